"""A refund that is gone on with allows debt as it was asked for."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0021_budget_marks_and_low_balances")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="reversal",
            name="allow_debt",
            field=models.BooleanField(
                default=False, help_text="Pay back even where the credits are spent: the buyer owes them."
            ),
        ),
        migrations.AddIndex(
            model_name="reversal",
            index=models.Index(
                condition=models.Q(("state", "requested")), fields=["updated_at"], name="reversal_requested"
            ),
        ),
    ]
