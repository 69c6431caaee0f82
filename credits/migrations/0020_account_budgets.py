"""What calls may use up of an account per day, week or month, and from where on its balance is low."""

from typing import ClassVar

import django.core.validators
from django.db import migrations, models

import credits.models.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0019_manual_adjustments")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="account",
            name="budget_credits",
            field=credits.models.fields.CreditsField(
                blank=True,
                help_text="Credits that all calls which it pays for may use up per period; empty means no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="budget",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="budget_period",
            field=models.CharField(
                choices=[("day", "Day"), ("week", "Week"), ("month", "Month")],
                default="month",
                help_text="What the budget is for: days, weeks from Monday, or months, in UTC.",
                max_length=5,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="low_balance_credits",
            field=credits.models.fields.CreditsField(
                blank=True,
                help_text="Credits below which its balance is low; empty: as the alert rules say; 0: never.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="low balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_credits__isnull", True), ("budget_credits__gte", 0), _connector="OR"),
                name="account_budget_is_no_debt",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_period__in", ("day", "week", "month"))),
                name="account_budget_period_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("low_balance_credits__isnull", True), ("low_balance_credits__gte", 0), _connector="OR"
                ),
                name="account_low_balance_is_no_debt",
            ),
        ),
    ]
