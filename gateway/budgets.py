"""A key's budget: what calls by it may use up per day, week or month of the calendar, in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

from credits.ledger.moves import BudgetCap
from gateway.models import VirtualKey

SCOPE = "key"


@dataclass(frozen=True, slots=True)
class KeyBudget:
    key_id: int
    cap_nano: int
    period: str

    def at(self, moment: datetime) -> BudgetCap:
        """What the ledger has to check for a call at `moment`."""
        return BudgetCap(SCOPE, self.key_id, window(self.period, moment), self.cap_nano)


def window(period: str, moment: datetime) -> str:
    """The period that `moment` is in: "2026-11-21", "2026-W47" (ISO 8601's weeks, from Monday on) or "2026-11"."""
    moment = moment.astimezone(UTC)
    if period == VirtualKey.BudgetPeriod.DAY:
        return moment.date().isoformat()
    if period == VirtualKey.BudgetPeriod.WEEK:
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02}"
    return f"{moment.year}-{moment.month:02}"
