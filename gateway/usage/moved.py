"""What the ledger says of requests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from credits.ledger.postings import OVERRUN, REVENUE, UPSTREAM
from credits.models import Entry

_AT_ONCE = 1000
_NOBODYS = (REVENUE, OVERRUN, UPSTREAM)


class Moved(NamedTuple):
    """Nanocredits: what the consumer paid less what came back, and what the operator bore beyond it (`overrun`) or for
    what failed upstream (`expense`). `late_basis` is what a settle that came after the sweep's rested on, or empty.
    """

    charged: int = 0
    overrun: int = 0
    expense: int = 0
    late_basis: str = ""


NOTHING_MOVED = Moved()


def moved(request_ids: Iterable[UUID]) -> dict[UUID, Moved]:
    """By request, of those for which anything moved; a few queries by index."""
    ids = list(request_ids)
    found: dict[UUID, Moved] = {}
    for first in range(0, len(ids), _AT_ONCE):
        for request_id, code, amount, late_basis in _entries(ids[first : first + _AT_ONCE]):
            before = found.get(request_id, NOTHING_MOVED)
            found[request_id] = Moved(
                before.charged - (0 if code in _NOBODYS else amount),
                before.overrun - (amount if code == OVERRUN else 0),
                before.expense - (amount if code == UPSTREAM else 0),
                late_basis or before.late_basis,
            )
    return found


def _entries(ids: list[UUID]) -> Iterator[tuple[UUID, str, int, str]]:
    by_key = {key: id for id in ids for key in (f"usage:{id}", f"adj:{id}:1", f"expense:{id}")}
    entries = Entry.objects.filter(journal__idempotency_key__in=by_key).values_list(
        "journal__idempotency_key", "journal__kind", "journal__reason", "account__code", "amount"
    )
    for key, kind, reason, code, amount in entries:
        yield by_key[key], code, amount, reason if kind == "adjustment" else ""
