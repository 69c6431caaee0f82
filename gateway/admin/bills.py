"""A request's bill on its page: how it came about, what moved for it, and an alarm where these don't agree."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from credits import amounts
from credits.models import Account, Entry, Hold, Journal
from gateway.models import RequestRow
from gateway.stored_receipts import receipt_of
from opscenter.core.admin_base import Panel, display, linked
from opscenter.core.admin_base.row_page import RowPage

_ALARM = "This bill contradicts itself:"
_REMEDY = "Adjust the credits of the account by the difference and report it: a bill never should (docs/admin.md)."
VERDICTS = {"Agrees": "success", "Contradicts itself": "danger", "Can't be recomputed": "info"}


class Billed(RowPage):
    """Mixed into the page of requests: it wants `row.receipt`, which get_object() brings."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.receipt = receipt_of(row)
        return row

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        if row is not None and row.receipt.is_contradicted:
            alarm = " ".join((_ALARM, *row.receipt.contradictions, _REMEDY))
            self.message_user(request, alarm, messages.ERROR)
        return super().row_context(request, row)

    @display(description="Recomputed", label=VERDICTS)
    def verdict(self, row: Any) -> str:
        if row.receipt.is_contradicted:
            return "Contradicts itself"
        return "Can't be recomputed" if row.receipt.due_nano is None else "Agrees"

    @display(description="Why")
    def why(self, row: Any) -> str:
        return str(row.receipt.why)

    @display(description="Beyond the hold (credits)", empty_value="–")
    def overrun(self, row: Any) -> str | None:
        """The operator's."""
        return amounts.to_text(row.receipt.overrun_nano) if row.receipt.overrun_nano else None


def bill_panels(row: Any) -> Iterator[Panel]:
    if row.receipt.steps:
        yield Panel("How the bill comes about", ("What", "How", "Comes to"), row.receipt.steps)
    yield Panel("Hold and charge", ("What", "Where", "Held", "Moved"), list(_moved(row)))


def _moved(row: RequestRow) -> Iterator[tuple[Any, ...]]:
    """The hold, and the journals that settled it."""
    hold = Hold.objects.filter(pk=row.parent_id or row.pk).first()
    if hold:
        captured = "–" if hold.captured is None else amounts.to_text(hold.captured)
        yield "Hold", linked(Hold, hold.pk, hold.state.lower()), amounts.to_text(hold.amount), captured
    journals = Journal.objects.of_request(row.parent_id or row.pk)
    for entry in Entry.objects.filter(journal__in=journals).select_related("journal", "account").order_by("pk"):
        account = linked(Account, entry.account_id, entry.account.code)
        yield (
            account,
            linked(Journal, entry.journal_id, entry.journal.get_kind_display()),
            "–",
            amounts.to_text(entry.amount),
        )
