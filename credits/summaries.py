"""What a wallet has to spend. Its open lots are cached, and its row, read each time, says whether they still are so."""

from datetime import datetime
from typing import NamedTuple

from django.core.cache import cache
from django.utils import timezone

from credits import periods
from credits.amounts import to_nano
from credits.ledger import expiry
from credits.models import Account, AlertRules, Budget, Lot

_KEPT_S = 60
_MOST_LOTS = 100


class OpenLot(NamedTuple):
    """`remaining` in nanocredits."""

    remaining: int
    expires_at: datetime


class Summary(NamedTuple):
    """`lots` are those that haven't expired, soonest first. `available` is what a call could hold now, in nanocredits:
    what has expired is none of it, also before the ledger has moved it out. `budget` is the account's own in the window
    that runs, which needn't have a row yet. The balance is low below `threshold` nanocredits.
    """

    account: Account
    lots: list[OpenLot]
    available: int
    threshold: int
    budget: Budget | None

    @property
    def is_low(self) -> bool:
        return self.account.posted < self.threshold


def summary_of(account: Account) -> Summary:
    """`account` as it was just read. No write has to invalidate anything, whoever makes it: what was cached before it
    isn't used after it.
    """
    now = timezone.now()
    lots = _lots(account) if account.expiring else []
    lasting = [lot for lot in lots if lot.expires_at > now]
    expired = expiry.due(account) if len(lasting) < len(lots) else 0
    return Summary(
        account=account,
        lots=lasting,
        available=account.available - expired,
        threshold=AlertRules.in_force().threshold_of(account),
        budget=_budget(account, now),
    )


def _budget(account: Account, now: datetime) -> Budget | None:
    """With the cap of now: a stored row has that of the newest call."""
    if account.budget_credits is None:
        return None
    window = periods.window(account.budget_period, now)
    named = {"scope": Budget.OF_ACCOUNT, "scope_id": account.pk, "window": window}
    budget = Budget.objects.filter(**named).first() or Budget(**named)
    budget.cap = to_nano(account.budget_credits)
    return budget


def _lots(account: Account) -> list[OpenLot]:
    # A lot changes with an entry of its wallet alone, and entries are counted.
    stamp = (account.entries_count, account.expiring, account.next_expiry_at)
    key = f"credits:lots:{account.pk}"
    cached = cache.get(key)
    if cached and cached[0] == stamp:
        return [OpenLot(*lot) for lot in cached[1]]
    rows = Lot.objects.filter(account=account, remaining__gt=0).order_by("expires_at", "id")
    lots = [OpenLot(*lot) for lot in rows.values_list("remaining", "expires_at")[:_MOST_LOTS]]
    cache.set(key, (stamp, [tuple(lot) for lot in lots]), _KEPT_S)
    return lots
