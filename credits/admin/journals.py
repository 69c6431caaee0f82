"""Journals: what happened, with both sides of it. Read-only."""

from typing import ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, Entry, Journal
from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, linked, register
from opscenter.core.admin_base.access import Access

_MOST = 100


@register(Journal)
class JournalAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("journal")
    when_empty = "Every movement of credits has one: adjust a wallet's credits, or make a call."
    list_display = ("id", "created_at", "kind", "idempotency_key", "reason", "actor")
    search_fields = ("idempotency_key",)
    search_help_text = "The whole idempotency key, such as usage:REQUEST"
    fields = ("id", "created_at", "kind", "idempotency_key", "reason", "actor")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Journal], search_term: str
    ) -> tuple[QuerySet[Journal], bool]:
        term = search_term.strip()
        return (queryset.filter(idempotency_key=term) if term else queryset), False

    def panels(self, request: HttpRequest, row: Journal) -> list[Panel]:
        entries = Entry.objects.filter(journal=row).select_related("account").order_by("pk")[:_MOST]
        rows = [
            (
                linked(Account, entry.account_id, entry.account.code),
                amounts.to_text(entry.amount),
                "–" if entry.balance_after is None else amounts.to_text(entry.balance_after),
                entry.model or "–",
                entry.provider or "–",
                entry.tokens,
            )
            for entry in entries
        ]
        return [Panel("Entries", ("Account", "Amount", "Balance after", "Model", "Provider", "Tokens"), rows)]
