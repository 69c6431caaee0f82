"""When a wallet's plan gives credits next; the index is over those that have one."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0016_stripe_reconciliations")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="account",
            name="next_grant_at",
            field=models.DateTimeField(blank=True, help_text="When its plan gives credits next.", null=True),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("next_grant_at__isnull", False)), fields=["next_grant_at"], name="wallet_grant_due"
            ),
        ),
    ]
