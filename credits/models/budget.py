"""Budgets: what one spender may use up in one window of time, whatever its wallet holds."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from credits import periods
from credits.models.hold import Hold


class BudgetPeriod(models.TextChoices):
    DAY = periods.DAY, "Day"
    WEEK = periods.WEEK, "Week"
    MONTH = periods.MONTH, "Month"


class Budget(models.Model):
    """One spender's (scope and id, such as a key's) use of one window: "2026-11", "2026-W47", "2026-11-21".

    Only the book writes it, in the transaction that moves the money. `cap` is what the newest reserve brought along:
    one that was lowered may lie below what is spent already.
    """

    OF_ACCOUNT: ClassVar = "account"

    scope = models.CharField(max_length=24, help_text='What is limited, e.g. "key".')
    scope_id = models.BigIntegerField("scope ID")
    window = models.CharField(max_length=16, help_text="Which day, week or month, in UTC.")
    cap = models.BigIntegerField(help_text="Nanocredits that may be used up.")
    spent = models.BigIntegerField(default=0, help_text="Nanocredits charged.")
    held = models.BigIntegerField(default=0, help_text="Nanocredits that open holds reserve.")

    class Meta:
        db_table = "credits_budgets"
        ordering = ("-window", "scope", "scope_id")
        constraints = (
            models.UniqueConstraint(fields=("scope", "scope_id", "window"), name="budget_once_per_window"),
            models.CheckConstraint(condition=Q(cap__gte=0, spent__gte=0, held__gte=0), name="budget_is_no_debt"),
        )

    def __str__(self) -> str:
        return f"{self.scope}:{self.scope_id} {self.window}"

    @property
    def left(self) -> int:
        """Nanocredits that a new hold may still take."""
        return max(0, self.cap - self.spent - self.held)


class HoldBudget(models.Model):
    """A hold counts against a budget, from its reserve to its last adjustment."""

    pk = models.CompositePrimaryKey("hold", "budget")
    hold = models.ForeignKey(Hold, models.PROTECT, related_name="budget_links", db_index=False)
    budget = models.ForeignKey(Budget, models.PROTECT, related_name="hold_links")

    class Meta:
        db_table = "credits_hold_budgets"

    def __str__(self) -> str:
        return f"{self.hold_id} of {self.budget_id}"


class BudgetMark(models.Model):
    """A budget came to so much of its cap, for the first time. Only the book makes it; people are told afterwards."""

    PERCENTS: ClassVar = (50, 80, 100)

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="marks", db_index=False)
    percent = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "credits_budget_marks"
        ordering = ("-id",)
        constraints: ClassVar = [models.UniqueConstraint(fields=("budget", "percent"), name="budget_mark_once")]
        indexes = (models.Index(fields=("id",), condition=Q(told_at__isnull=True), name="budget_marks_untold"),)

    def __str__(self) -> str:
        return f"{self.percent} % of {self.budget_id}"
