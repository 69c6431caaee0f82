"""Has expired credits leave the wallets that nothing else moves. Safe to run anywhere, at any time, several at once."""

import logging
from collections.abc import Iterator

from credits.ledger import book, sql
from credits.ledger.moves import Broken, Expire, Expired

logger = logging.getLogger(__name__)

_BATCH = 200


def expire() -> int:
    """Nanocredits that this call had expire. What calls in flight may still need of a lot expires as they end."""
    expired, seen = 0, set[int]()
    while due := [id for (id,) in sql.fetch(sql.DUE_WALLETS, ()) if id not in seen]:
        seen.update(due)
        expired += sum(_expired_of(due))
    return expired


def _expired_of(due: list[int]) -> Iterator[int]:
    for start in range(0, len(due), _BATCH):
        moves = [Expire(id) for id in due[start : start + _BATCH]]
        for move, outcome in zip(moves, book.apply(moves), strict=True):
            if isinstance(outcome, Expired):
                yield outcome.amount
            elif isinstance(outcome, Broken):
                logger.error("The lots of account %s can't expire: %s", move.account_id, outcome.error)
