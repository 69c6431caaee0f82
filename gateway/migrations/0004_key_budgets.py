"""What calls by a key may use up per day, week or month."""

import django.core.validators
from django.db import migrations, models

import credits.models.fields


class Migration(migrations.Migration):
    dependencies = [("credits", "0007_budgets"), ("gateway", "0003_request_indexes")]

    operations = [
        migrations.AddField(
            model_name="virtualkey",
            name="budget_credits",
            field=credits.models.fields.CreditsField(
                blank=True,
                help_text="Credits that calls by this key may use up per period; empty means no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddField(
            model_name="virtualkey",
            name="budget_period",
            field=models.CharField(
                choices=[("day", "Day"), ("week", "Week"), ("month", "Month")],
                default="month",
                help_text="What the budget is for: days, weeks from Monday, or months, in UTC.",
                max_length=5,
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_credits__isnull", True), ("budget_credits__gte", 0), _connector="OR"),
                name="virtual_key_budget_is_no_debt",
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_period__in", ("day", "week", "month"))),
                name="virtual_key_budget_period_is_known",
            ),
        ),
    ]
