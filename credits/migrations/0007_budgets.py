"""What a key may use up per window, and which holds count against it."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0006_rates")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(help_text='What is limited, e.g. "key".', max_length=24)),
                ("scope_id", models.BigIntegerField()),
                ("window", models.CharField(help_text="Which day, week or month, in UTC.", max_length=16)),
                ("cap", models.BigIntegerField(help_text="Nanocredits that may be used up.")),
                ("spent", models.BigIntegerField(default=0, help_text="Nanocredits charged.")),
                ("held", models.BigIntegerField(default=0, help_text="Nanocredits that open holds reserve.")),
            ],
            options={
                "db_table": "credits_budgets",
                "ordering": ("-window", "scope", "scope_id"),
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "scope_id", "window"), name="budget_once_per_window"),
                    models.CheckConstraint(
                        condition=models.Q(("cap__gte", 0), ("held__gte", 0), ("spent__gte", 0)),
                        name="budget_is_no_debt",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldBudget",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hold", "budget", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="hold_links", to="credits.budget"
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="budget_links",
                        to="credits.hold",
                    ),
                ),
            ],
            options={"db_table": "credits_hold_budgets"},
        ),
    ]
