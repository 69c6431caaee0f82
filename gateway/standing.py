"""What a caller could have the ledger hold at this moment: read from the database, locking nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, InternalError, OperationalError, connection

from credits.errors import LedgerUnavailable
from credits.ledger import expiry
from credits.ledger.moves import BudgetCap, Refused
from credits.models import Account, Budget
from gateway.callers import Caller


@dataclass(frozen=True, slots=True)
class Standing:
    """`available` in nanocredits; `budgets` are those that count, with what each has left."""

    available: int
    may_spend: bool
    budgets: tuple[tuple[BudgetCap, int], ...]

    def refusal(self, *, minimum: int) -> Refused | None:
        """What the ledger would say to a reserve that needs at least `minimum`."""
        if not self.may_spend:
            return Refused("frozen", self.available)
        tightest, left = min(self.budgets, key=lambda budget: budget[1], default=(None, self.available))
        if minimum <= min(self.available, left) or not minimum:
            return None
        if left >= self.available:
            return Refused("insufficient", self.available)
        return Refused("budget", left, tightest)


def read(caller: Caller, now: datetime) -> Standing:
    """For a thread of its own kind, which has no connection afterwards. Raises LedgerUnavailable (503)."""
    try:
        account = Account.objects.get(pk=caller.account_id)
        budgets = tuple((cap, _left(cap)) for cap in (budget.at(now) for budget in caller.budgets))
        expired = expiry.due(account) if account.expiring else 0
    except (OperationalError, InterfaceError, InternalError) as error:
        raise LedgerUnavailable from error
    finally:
        connection.close()
    may_spend = not account.is_frozen and not account.debt
    return Standing(account.available - expired, may_spend=may_spend, budgets=budgets)


def _left(cap: BudgetCap) -> int:
    row = Budget.objects.filter(scope=cap.scope, scope_id=cap.scope_id, window=cap.window).first()
    return max(0, cap.cap_nano - (row.spent + row.held if row else 0))
