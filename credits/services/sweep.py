"""Ends the holds of workers that are gone. Safe to run anywhere, at any time, several at once."""

import logging

from django.conf import settings

from credits.ledger import book, sql
from credits.ledger.moves import Broken, Closed, Sweep
from credits.models import Hold

logger = logging.getLogger(__name__)


def sweep(*, stale_s: float | None = None) -> list[Hold]:
    """End every hold without a heartbeat for `stale_s` (default LEASE_S): where nothing was delivered it is
    voided, else its last checkpoint is captured. Returns the holds that this call ended; `basis` says which.
    """
    lease_s = settings.LEASE_S if stale_s is None else stale_s
    swept: list[Hold] = []
    while moves := _stale(lease_s):
        outcomes = book.apply(moves)
        won = []
        for move, outcome in zip(moves, outcomes, strict=True):
            if isinstance(outcome, Closed) and outcome.won:
                won.append(move.hold_id)
            elif isinstance(outcome, Broken):
                logger.error("Hold %s can't be swept: %s", move.hold_id, outcome.error)
        swept.extend(Hold.objects.filter(pk__in=won))
        if not won:
            break
    return swept


def _stale(lease_s: float) -> list[Sweep]:
    rows = sql.fetch(sql.STALE_HOLDS, (), stale_s=lease_s)
    return [Sweep(Hold._meta.pk.to_python(id), account_id, lease_s) for id, account_id in rows]
