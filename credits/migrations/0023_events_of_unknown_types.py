"""Stripe's events of types that are not known yet are told from those of no concern, and found once they are."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0022_refunds_that_allow_debt")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="stripeevent",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("applied", "Applied"),
                    ("ignored", "Of no concern"),
                    ("unknown", "Of a type that is not known"),
                    ("waiting", "Waiting for its purchase"),
                    ("refused", "Refused: it contradicts our books"),
                    ("failed", "Failed"),
                ],
                default="received",
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["received_at"], name="stripe_event_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(condition=models.Q(("state", "unknown")), fields=["type"], name="stripe_event_unknown"),
        ),
    ]
