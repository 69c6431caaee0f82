"""Holds: credits that requests reserved, and what became of them. Read-only."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, Hold
from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access

STATE_LABELS = {"HELD": "warning", "CAPTURED": "success", "VOIDED": "info"}


class OpenFilter(SimpleListFilter):
    """Only what the index over open holds can answer."""

    title = "state"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("stale", "Open and past their lease")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hold]) -> QuerySet[Hold]:
        if self.value() not in ("yes", "stale"):
            return queryset
        held = queryset.filter(state=Hold.State.HELD)
        expired = timezone.now() - timedelta(seconds=settings.LEASE_S)
        return held.filter(heartbeat_at__lt=expired) if self.value() == "stale" else held


@register(Hold)
class HoldAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("hold")
    when_empty = "Every call holds the most that it can cost before it goes to a provider."
    list_display = ("id", "created_at", "account", "state_label", "mode", "held", "charged", "basis", "closed_at")
    list_select_related = ("account",)
    list_filter = (OpenFilter,)
    search_fields = ("id",)
    search_help_text = "The request's whole id"
    fieldsets = (
        (None, {"fields": ("id", "account_link", "state_label", "mode", "held", "charged", "basis")}),
        ("Progress", {"fields": ("delivered_tokens", "checkpoint", "lease_epoch", "virtual_key_id")}),
        ("Times", {"fields": ("created_at", "dispatched_at", "heartbeat_at", "closed_at")}),
    )
    readonly_fields = ("account_link", "state_label", "held", "charged", "checkpoint")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Hold], search_term: str
    ) -> tuple[QuerySet[Hold], bool]:
        try:
            return (queryset.filter(pk=UUID(search_term.strip())) if search_term else queryset), False
        except ValueError:
            return queryset.none(), False

    def panels(self, request: HttpRequest, row: Hold) -> Iterable[Panel]:
        return rates_panels(row.rates)

    @display(description="Account")
    def account_link(self, hold: Hold) -> str:
        return linked(Account, hold.account_id, hold.account.code)

    @display(description="State", label=STATE_LABELS)
    def state_label(self, hold: Hold) -> str:
        return hold.state

    @display(description="Held")
    def held(self, hold: Hold) -> str:
        return amounts.to_text(hold.amount)

    @display(description="Charged", empty_value="–")
    def charged(self, hold: Hold) -> str | None:
        return None if hold.captured is None else amounts.to_text(hold.captured)

    @display(description="Cost of what was delivered")
    def checkpoint(self, hold: Hold) -> str:
        return amounts.to_text(hold.checkpoint_amount)


def rates_panels(rates: Mapping[str, Any]) -> list[Panel]:
    """The rates in force as they were kept: what is one value in one table, each list of alike things in its own."""
    single = [(_words(name), value) for name, value in rates.items() if not isinstance(value, list | dict)]
    panels = [Panel("Rates in force", ("What", "Value"), single)] if single else []
    for name, things in rates.items():
        if isinstance(things, list) and things and all(isinstance(thing, dict) for thing in things):
            headers = list(dict.fromkeys(key for thing in things for key in thing))
            rows = [[thing.get(key, "–") for key in headers] for thing in things]
            panels.append(Panel(f"Rates: {_words(name)}", [_words(key) for key in headers], rows))
    return panels


def _words(name: str) -> str:
    return name.replace("_", " ")
