"""A request with all that its receipt shows; of one whose row is no longer kept, what the ledger still says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from credits.amounts import to_text
from credits.models import Entry, Hold, Journal
from gateway.errors import RequestPruned
from gateway.models import AttemptRow, RequestRow, VirtualKey
from gateway.receipts import Receipt
from gateway.stored_receipts import parts_of, receipt_of
from gateway.usage import pruned
from opscenter.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Receipted:
    """`moved` are the entries of the account that paid; of an inner call, as `hold`, those of its whole. `parts` are
    the inner calls of a composed one.
    """

    request: RequestRow
    attempts: list[AttemptRow]
    parts: list[RequestRow]
    hold: Hold | None
    moved: list[Entry]
    bill: Receipt

    @property
    def rates(self) -> Mapping[str, Any]:
        return self.attempts[-1].rates if self.attempts else {}


def find(id: UUID, *, user_id: int | None) -> Receipted:
    """Of that user's requests, or (None) of all. Raises NotFound (404), and RequestPruned (410) with what is known."""
    row = RequestRow.objects.filter(pk=id).first()
    held_by = (row and row.parent_id) or id
    hold = Hold.objects.filter(pk=held_by).select_related("account").first()
    if row is None:
        raise _missing(id, hold if hold and user_id in (None, _user_of(hold)) else None)
    if user_id not in (None, row.user_id):
        raise _unknown()
    attempts = list(AttemptRow.objects.filter(request_id=id).order_by("n"))
    return Receipted(row, attempts, parts_of(row), hold, _moved(held_by, row.account_id), receipt_of(row))


def _moved(id: UUID, account_id: int | None) -> list[Entry]:
    entries = Entry.objects.filter(journal__in=Journal.objects.of_request(id), account_id=account_id)
    return list(entries.select_related("journal").order_by("pk"))


def _user_of(hold: Hold) -> int | None:
    """Who called: the key's user; of a sign-in that is long forgotten, whose account paid."""
    by_key = VirtualKey.objects.filter(pk=hold.virtual_key_id or 0).values_list("user_id", flat=True).first()
    return by_key or hold.account.user_id


def _missing(id: UUID, hold: Hold | None) -> Exception:
    month = pruned.month_of(id)
    if month is not None:
        return RequestPruned(f"{month:%B %Y}", _known(hold, _moved(id, hold.account_id)) if hold else None)
    if hold is not None:
        return NotFound("This request has not ended, or is about to be written down: ask again in a moment.")
    return _unknown()


def _unknown() -> NotFound:
    return NotFound("There is no such request.")


def _known(hold: Hold, moved: Iterable[Entry]) -> dict[str, object]:
    return {
        "created_at": hold.created_at.isoformat(),
        "held": to_text(hold.amount),
        "basis": hold.basis,
        "rates": hold.rates,
        "credits": to_text(-sum(entry.amount for entry in moved)),
        "moved": [
            {
                "kind": entry.journal.kind,
                "amount": to_text(entry.amount),
                "created_at": entry.journal.created_at.isoformat(),
                "model": entry.model,
                "provider": entry.provider,
                "tokens": entry.tokens,
            }
            for entry in moved
        ],
    }
