"""The sums of each day without those who called, for margins."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0010_usage_of_earlier_requests"),
    ]

    operations = [
        migrations.CreateModel(
            name="MarginStat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("model", models.CharField(max_length=200, blank=True)),
                ("tier", models.CharField(max_length=16, blank=True)),
                ("provider", models.CharField(max_length=60, blank=True)),
                ("power_level", models.CharField(max_length=20, blank=True)),
                ("component", models.CharField(max_length=100, blank=True)),
                ("environment", models.CharField(max_length=10, blank=True)),
                ("requests", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("prompt_tokens", models.BigIntegerField(default=0)),
                ("completion_tokens", models.BigIntegerField(default=0)),
                ("charged_nano", models.BigIntegerField(default=0)),
                ("overrun_nano", models.BigIntegerField(default=0)),
                ("expense_nano", models.BigIntegerField(default=0)),
                ("cost_nano_usd", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "llm_margin_stats",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "model", "tier", "provider", "power_level", "component", "environment"),
                        name="margin_once_per_day_and_kind",
                    )
                ],
            },
        ),
    ]
