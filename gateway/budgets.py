"""Budgets: what calls by a key, or on an account, may use up per day, week or month of the calendar, in UTC."""

from dataclasses import dataclass
from datetime import datetime

from credits import periods
from credits.ledger.moves import BudgetCap
from credits.models import Budget

KEY = "key"
ACCOUNT = Budget.OF_ACCOUNT


@dataclass(frozen=True, slots=True)
class PeriodBudget:
    """`scope` is KEY or ACCOUNT, `scope_id` the row's."""

    scope: str
    scope_id: int
    cap_nano: int
    period: str

    def at(self, moment: datetime) -> BudgetCap:
        """What the ledger has to check for a call at `moment`."""
        return BudgetCap(self.scope, self.scope_id, periods.window(self.period, moment), self.cap_nano)
