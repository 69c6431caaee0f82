"""What people are told of changes of state."""

import django.db.models.deletion
from django.db import migrations, models

import opscenter.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0013_health"),
    ]

    operations = [
        migrations.CreateModel(
            name="HealthAlert",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=opscenter.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("channel", models.CharField(choices=[("email", "E-mail"), ("webhook", "Webhook")], max_length=7)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "change",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="llm.healthchange",
                    ),
                ),
            ],
            options={
                "db_table": "llm_health_alerts",
                "indexes": [
                    models.Index(
                        condition=models.Q(("sent_at__isnull", True)), fields=["due_at"], name="health_alerts_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("change", "channel"), name="health_alert_once")],
            },
        ),
    ]
