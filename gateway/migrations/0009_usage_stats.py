"""What a request cost and by which tier and power level it was priced, and the sums of each day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0008_reauthenticated"),
    ]

    operations = [
        migrations.AddField(
            model_name="requestrow",
            name="cost_nano_usd",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="requestrow",
            name="expense_nano",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="requestrow",
            name="overrun_nano",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="requestrow",
            name="power_level",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="requestrow",
            name="tier",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.CreateModel(
            name="UsageStat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("account_id", models.BigIntegerField(verbose_name="account ID")),
                ("user_id", models.BigIntegerField(verbose_name="user ID")),
                ("virtual_key_id", models.BigIntegerField(verbose_name="virtual key ID")),
                ("tier", models.CharField(blank=True, max_length=16)),
                ("power_level", models.CharField(blank=True, max_length=20)),
                ("model", models.CharField(blank=True, max_length=200)),
                ("provider", models.CharField(blank=True, max_length=60)),
                ("component", models.CharField(blank=True, max_length=100)),
                ("environment", models.CharField(blank=True, max_length=10)),
                ("requests", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("attempts", models.BigIntegerField(default=0)),
                ("prompt_tokens", models.BigIntegerField(default=0)),
                ("cached_tokens", models.BigIntegerField(default=0)),
                ("cache_write_tokens", models.BigIntegerField(default=0)),
                ("completion_tokens", models.BigIntegerField(default=0)),
                ("charged_nano", models.BigIntegerField(default=0, help_text="Nanocredits that consumers paid.")),
                (
                    "overrun_nano",
                    models.BigIntegerField(default=0, help_text="Nanocredits beyond what was held: the operator's."),
                ),
                (
                    "expense_nano",
                    models.BigIntegerField(default=0, help_text="Nanocredits, at cost, of what failed upstream."),
                ),
                ("cost_nano_usd", models.BigIntegerField(default=0, help_text="Nanodollars that providers are owed.")),
                ("duration_ms", models.BigIntegerField(default=0, verbose_name="duration (ms)")),
            ],
            options={
                "verbose_name": "usage of a day",
                "verbose_name_plural": "usage per day",
                "db_table": "llm_usage_stats",
                "ordering": ("-day", "id"),
                "indexes": [
                    models.Index(fields=["user_id", "day"], name="usage_by_user"),
                    models.Index(fields=["virtual_key_id", "day"], name="usage_by_key"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "day",
                            "account_id",
                            "user_id",
                            "virtual_key_id",
                            "tier",
                            "power_level",
                            "model",
                            "provider",
                            "component",
                            "environment",
                        ),
                        name="usage_once_per_day_and_kind",
                    )
                ],
            },
        ),
    ]
