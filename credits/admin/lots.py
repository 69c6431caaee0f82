"""Lots: credits that expire, and what became of them. Read-only."""

from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, Journal, Lot
from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access

_MOST = 100


class OpenFilter(SimpleListFilter):
    title = "what is left"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Not used up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lot]) -> QuerySet[Lot]:
        return queryset.filter(remaining__gt=0) if self.value() == "yes" else queryset


@register(Lot)
class LotAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("lot")
    when_empty = "A lot comes with credits that expire, such as those of a plan that says how long its credits last."
    ordering = ("-id",)
    list_display = ("id", "account_link", "granted", "left", "state_label", "expires_at", "journal_link")
    list_select_related = ("account", "journal")
    list_filter = (OpenFilter,)
    fields = ("id", "account_link", "granted", "left", "state_label", "expires_at", "journal_link")
    readonly_fields = fields

    def panels(self, request: HttpRequest, row: Lot) -> list[Panel]:
        rows = [
            (
                f"{entry.journal.created_at:%Y-%m-%d %H:%M:%S}",
                linked(Journal, entry.journal_id, entry.journal.get_kind_display()),
                amounts.to_text(entry.amount),
            )
            for entry in row.entries.select_related("journal").order_by("-id")[:_MOST]
        ]
        return [Panel("Newest changes", ("When", "Journal", "Amount"), rows)]

    @display(description="Account")
    def account_link(self, lot: Lot) -> str:
        return linked(Account, lot.account_id, lot.account.code)

    @display(description="From")
    def journal_link(self, lot: Lot) -> str:
        return linked(Journal, lot.journal_id, lot.journal.get_kind_display())

    @display(description="Granted")
    def granted(self, lot: Lot) -> str:
        return amounts.to_text(lot.amount)

    @display(description="Left")
    def left(self, lot: Lot) -> str:
        return amounts.to_text(lot.remaining)

    @display(description="State", label={"open": "success", "used up": "info", "expired": "warning"})
    def state_label(self, lot: Lot) -> str:
        """What is left of an expired one is what open calls hold of it, or waits for the worker."""
        if not lot.remaining:
            return "used up"
        return "open" if lot.expires_at > timezone.now() else "expired"
