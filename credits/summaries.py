"""What a wallet has to spend. Its open lots are cached, and its row, read each time, says whether they still are so."""

from datetime import datetime
from typing import NamedTuple

from django.core.cache import cache
from django.utils import timezone

from credits.models import Account, Lot

_KEPT_S = 60
_MOST_LOTS = 100


class OpenLot(NamedTuple):
    """`remaining` in nanocredits."""

    remaining: int
    expires_at: datetime


class Summary(NamedTuple):
    """`lots` are those that haven't expired, soonest first. `available` is what a call could hold now, in nanocredits:
    what has expired is none of it, also before the ledger has moved it out.
    """

    account: Account
    lots: list[OpenLot]
    available: int


def summary_of(account: Account) -> Summary:
    """`account` as it was just read. No write has to invalidate anything, whoever makes it: what was cached before it
    isn't used after it.
    """
    now = timezone.now()
    lots = _lots(account) if account.expiring else []
    expired = sum(lot.remaining for lot in lots if lot.expires_at <= now)
    return Summary(
        account, [lot for lot in lots if lot.expires_at > now], account.available - min(expired, account.available)
    )


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
