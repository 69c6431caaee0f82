"""An index of the entries that are no call's."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0017_plan_grants")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("model", ""), ("version__isnull", False)),
                fields=["account", "version"],
                name="entry_without_model",
            ),
        ),
    ]
