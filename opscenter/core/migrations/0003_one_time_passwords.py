"""A user may have to change the password before anything else."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0002_audit_append_only")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="user",
            name="must_change_password",
            field=models.BooleanField(
                default=False,
                help_text="Signed in to the admin, they get no further than the page that changes the password.",
            ),
        ),
    ]
