"""Journals: what happened, with both sides of it and what belongs to it. Read-only."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, Entry, Hold, Journal
from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access

_MOST = 100
_SIDES = ("Side", "Account", "Debit", "Credit", "Balance after", "Model", "Provider", "Tokens")


@register(Journal)
class JournalAdmin(LargeTable, ReadOnlyModelAdmin):
    """In a journal a negative amount is the debit of its account, a positive one the credit; both sums are equal."""

    access: ClassVar[Access] = readers("journal")
    when_empty = "Every movement of credits has one: adjust a wallet's credits, or make a call."
    list_display = ("id", "created_at", "kind", "debited", "credited", "total", "request_link", "reason", "actor")
    search_fields = ("idempotency_key",)
    search_help_text = "A request's whole id, or a whole idempotency key such as manual:..."
    fields = ("id", "created_at", "kind", "total", "request_link", "hold_link", "idempotency_key", "reason", "actor")
    readonly_fields = ("total", "request_link", "hold_link")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Journal]:
        sides = Entry.objects.select_related("account").order_by("pk")
        return super().get_queryset(request).prefetch_related(Prefetch("entries", sides))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Journal], search_term: str
    ) -> tuple[QuerySet[Journal], bool]:
        term = search_term.strip()
        return (queryset.filter(_meant(term)) if term else queryset), False

    def panels(self, request: HttpRequest, row: Journal) -> list[Panel]:
        rows = [_side(entry) for entry in row.entries.all()[:_MOST]]
        return [Panel("Both sides", _SIDES, rows), *_others(row)]

    @display(description="Debit")
    def debited(self, journal: Journal) -> str:
        return _accounts(entry for entry in journal.entries.all() if entry.amount < 0)

    @display(description="Credit")
    def credited(self, journal: Journal) -> str:
        return _accounts(entry for entry in journal.entries.all() if entry.amount > 0)

    @display(description="Amount (credits)")
    def total(self, journal: Journal) -> str:
        return amounts.to_text(_credited(journal))

    @display(description="Request")
    def request_link(self, journal: Journal) -> str:
        """By its page's name: the gateway, whose page it is, stands above this app."""
        if journal.request_id is None:
            return "–"
        address = reverse("admin:gateway_requestrow_change", args=[journal.request_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, journal.request_id)

    @display(description="Hold")
    def hold_link(self, journal: Journal) -> str:
        return linked(Hold, journal.request_id)


def _meant(term: str) -> Q:
    try:
        return Q(pk__in=Journal.objects.of_request(UUID(term)).values("pk"))
    except ValueError:
        return Q(idempotency_key=term)


def _credited(journal: Journal) -> int:
    return sum(entry.amount for entry in journal.entries.all() if entry.amount > 0)


def _accounts(entries: Iterable[Entry]) -> str:
    links = [(linked(Account, entry.account_id, entry.account.code),) for entry in entries]
    return format_html_join(", ", "{}", links) or "–"


def _side(entry: Entry) -> tuple[object, ...]:
    is_debit, amount = entry.amount < 0, amounts.to_text(abs(entry.amount))
    return (
        "Debit" if is_debit else "Credit",
        linked(Account, entry.account_id, entry.account.code),
        amount if is_debit else "",
        "" if is_debit else amount,
        "none is kept" if entry.balance_after is None else amounts.to_text(entry.balance_after),
        entry.model or "–",
        entry.provider or "–",
        entry.tokens,
    )


def _others(journal: Journal) -> list[Panel]:
    """What corrects this journal, or is corrected by it."""
    if journal.request_id is None:
        return []
    entries = Prefetch("entries", Entry.objects.select_related("account"))
    others = Journal.objects.of_request(journal.request_id).exclude(pk=journal.pk).prefetch_related(entries)
    rows = [
        (_relation(journal, other), linked(Journal, other.pk, other.idempotency_key), amounts.to_text(_credited(other)))
        for other in others.order_by("pk")
    ]
    return [Panel("Other journals of this request", ("What", "Journal", "Amount"), rows)] if rows else []


def _relation(journal: Journal, other: Journal) -> str:
    kinds = (journal.kind, other.kind)
    if kinds == (Journal.Kind.USAGE, Journal.Kind.ADJUSTMENT):
        return "Corrects this one"
    if kinds == (Journal.Kind.ADJUSTMENT, Journal.Kind.USAGE):
        return "Is corrected by this one"
    return other.get_kind_display().replace("_", " ").capitalize()
