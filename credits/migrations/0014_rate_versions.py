"""What each version of a tier or power level said. The rows there are now are written down by the seeds."""

from typing import ClassVar

from django.db import migrations, models

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0013_plans_lots_and_purchases")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="RateVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("tier", "Tier"), ("power_level", "Power Level")], max_length=11)),
                ("slug", models.CharField(max_length=16)),
                ("version", models.PositiveIntegerField(help_text="1 for the first, counting up.")),
                ("values", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="in force since")),
            ],
            options={
                "db_table": "credits_rate_versions",
                "ordering": ("-id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("tier", "power_level"))), name="rate_version_kind_is_known"
                    ),
                    models.UniqueConstraint(fields=("kind", "slug", "version"), name="rate_version_is_one"),
                ],
            },
        ),
        AppendOnly("credits_rate_versions"),
    ]
