"""Of which budgets and balances people are told."""

from typing import ClassVar

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import credits.models.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0020_account_budgets")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="AlertRules",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "low_balance_credits",
                    credits.models.fields.CreditsField(
                        default=100,
                        help_text="Credits below which a balance is low, for accounts that have no threshold of their own; 0: never.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="low balance",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "alert rules",
                "verbose_name_plural": "alert rules",
                "db_table": "credits_alert_rules",
            },
        ),
        migrations.CreateModel(
            name="BudgetMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("percent", models.PositiveSmallIntegerField()),
                ("at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "credits_budget_marks",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="LowBalance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                (
                    "balance_nano",
                    models.BigIntegerField(help_text="Nanocredits, when it was noticed.", verbose_name="balance"),
                ),
                ("threshold_nano", models.BigIntegerField(help_text="Nanocredits.", verbose_name="threshold")),
            ],
            options={
                "db_table": "credits_low_balances",
                "ordering": ("-id",),
            },
        ),
        migrations.AddConstraint(
            model_name="alertrules",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="alert_rules_are_one_row"),
        ),
        migrations.AddConstraint(
            model_name="alertrules",
            constraint=models.CheckConstraint(
                condition=models.Q(("low_balance_credits__gte", 0)), name="alert_rules_are_no_debt"
            ),
        ),
        migrations.AddField(
            model_name="budgetmark",
            name="budget",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="marks", to="credits.budget"
            ),
        ),
        migrations.AddField(
            model_name="lowbalance",
            name="account",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="low_balance", to="credits.account"
            ),
        ),
        migrations.AddIndex(
            model_name="budgetmark",
            index=models.Index(
                condition=models.Q(("told_at__isnull", True)), fields=["id"], name="budget_marks_untold"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetmark",
            constraint=models.UniqueConstraint(fields=("budget", "percent"), name="budget_mark_once"),
        ),
    ]
