"""How the LiteLLM proxy stands to what it should serve."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0014_health_alerts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProxyState",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("off", "Off"),
                            ("unknown", "Not known"),
                            ("in_sync", "In sync"),
                            ("drifted", "Drifted"),
                            ("failing", "Failing"),
                        ],
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("differences", models.JSONField(blank=True, default=list)),
                ("difference_count", models.PositiveIntegerField(default=0, verbose_name="differences")),
                (
                    "models_count",
                    models.PositiveIntegerField(
                        default=0, help_text="That the proxy should serve.", verbose_name="models"
                    ),
                ),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("synced_at", models.DateTimeField(blank=True, null=True)),
                ("reload_failed", models.BooleanField(default=False)),
                ("synced_version", models.BigIntegerField(blank=True, null=True)),
                ("seen_version", models.BigIntegerField(blank=True, null=True)),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("pending_since", models.DateTimeField(blank=True, null=True)),
                ("held_by", models.CharField(blank=True, max_length=32)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "LiteLLM proxy",
                "verbose_name_plural": "LiteLLM proxy",
                "db_table": "llm_proxy_state",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="proxy_state_is_one_row"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["off", "unknown", "in_sync", "drifted", "failing"])),
                        name="proxy_state_status_known",
                    ),
                ],
            },
        ),
    ]
