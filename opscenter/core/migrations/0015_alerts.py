"""What people are told of, whatever it is about."""

from typing import ClassVar

from django.db import migrations, models

import opscenter.core.ids


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0014_audit_irreplaceable")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=opscenter.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "type",
                    models.CharField(help_text="As webhooks name it, e.g. provider.health_changed.", max_length=60),
                ),
                ("about", models.CharField(max_length=120)),
                (
                    "channel",
                    models.CharField(choices=[("email", "E-mail"), ("webhook", "Webhook")], max_length=7),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        help_text="Whose letter it is; empty: the operators', or the webhook's.",
                        max_length=254,
                    ),
                ),
                ("headline", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("data", models.JSONField(default=dict)),
                ("happened_at", models.DateTimeField()),
                ("queued_at", models.DateTimeField(auto_now_add=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "db_table": "core_alerts",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(condition=models.Q(("sent_at__isnull", True)), fields=["due_at"], name="alerts_unsent")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("type", "about", "channel", "address"), name="alert_once")
                ],
            },
        ),
    ]
