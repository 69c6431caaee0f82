"""Tiers and power levels."""

from decimal import Decimal
from typing import ClassVar

from django.db import migrations, models

import credits.models.tier


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0005_holds")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Tier",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "slug",
                    models.CharField(
                        choices=[
                            ("free", "Free"),
                            ("starter", "Starter"),
                            ("professional", "Professional"),
                            ("enterprise", "Enterprise"),
                        ],
                        max_length=16,
                        unique=True,
                    ),
                ),
                ("markup", models.DecimalField(decimal_places=4, max_digits=8)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_tiers",
                "ordering": ("id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("slug__in", ["free", "starter", "professional", "enterprise"])),
                        name="tier_slug_is_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("markup__gte", 0)), name="tier_sells_at_cost_or_above"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerLevel",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("slug", models.SlugField(max_length=16, unique=True)),
                ("multiplier", models.DecimalField(decimal_places=4, max_digits=8)),
                ("max_output_tokens", models.PositiveIntegerField()),
                (
                    "providers",
                    models.JSONField(default=list, validators=[credits.models.tier.validate_providers]),
                ),
                ("min_quality", models.DecimalField(decimal_places=2, default=Decimal(0), max_digits=3)),
                ("strict", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_power_levels",
                "ordering": ("multiplier",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("multiplier__gte", 0)), name="power_level_is_no_refund"),
                    models.CheckConstraint(
                        condition=models.Q(("max_output_tokens__gte", 1)), name="power_level_allows_output"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_quality__gte", 0), ("min_quality__lte", 1)),
                        name="power_level_quality_is_a_share",
                    ),
                ],
            },
        ),
    ]
