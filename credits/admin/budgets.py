"""Budgets: what spenders used up in their windows of time. Read-only."""

from typing import ClassVar

from credits import amounts
from credits.admin.access import readers
from credits.models import Budget
from opscenter.core.admin_base import LargeTable, ReadOnlyModelAdmin, display, register
from opscenter.core.admin_base.access import Access


@register(Budget)
class BudgetAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("budget")
    when_empty = "A row appears with the first call by a virtual key that has a budget."
    ordering = ("-id",)
    list_display = ("__str__", "cap_credits", "spent_credits", "held_credits", "left_credits")
    fields = ("scope", "scope_id", "window", "cap_credits", "spent_credits", "held_credits", "left_credits")
    readonly_fields = fields

    @display(description="Cap")
    def cap_credits(self, budget: Budget) -> str:
        return amounts.to_text(budget.cap)

    @display(description="Spent")
    def spent_credits(self, budget: Budget) -> str:
        return amounts.to_text(budget.spent)

    @display(description="Held")
    def held_credits(self, budget: Budget) -> str:
        return amounts.to_text(budget.held)

    @display(description="Left")
    def left_credits(self, budget: Budget) -> str:
        return amounts.to_text(budget.left)
