"""How providers are, and when that changed. Read-only; a button has one checked at once."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.health_panels import VIEWERS, panels_of, uptime_text, with_uptime
from llmconfig.admin.testing import HEALTH_LABELS, state_of
from llmconfig.health import alerts, schedule
from llmconfig.models import ConsumerKey, HealthChange, ProviderHealth
from opscenter.core.admin_base import (
    Button,
    LargeTable,
    Panel,
    ReadOnlyModelAdmin,
    Said,
    Warned,
    display,
    linked,
    register,
)
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions


@register(ProviderHealth)
class ProviderHealthAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": VIEWERS}
    when_empty = "The worker checks every enabled AI server and provider key; start one with `make worker`."
    list_display = ("name", "kind", "state", "since", "checked_at", "latency_ms", "last_day", "message")
    list_filter = ("status",)
    search_fields = ("server__name", "key__key_name", "key__provider")
    sortable_by = ()
    fields = ("provider_page", "state", "since", "message", "latency_ms", "checked_at", "due_at", "doubt")
    readonly_fields = fields
    buttons = (Button("check-now", "Check now", run="check_now", needs=(Permissions.MANAGE_PROVIDERS,)),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderHealth]:
        return super().get_queryset(request).select_related("server", "key")

    def panels(self, request: HttpRequest, row: ProviderHealth) -> list[Panel]:
        return panels_of(row)

    def check_now(self, request: HttpRequest, row: ProviderHealth) -> Said:
        if not ProviderHealth.objects.watched().filter(pk=row.pk).exists():
            return Warned("It isn't checked: it is disabled, has no API key yet, or its check interval is 0.")
        schedule.soon(row)
        return Said("The worker checks it within seconds: load this page again.", messages.INFO)

    @display(description="Provider", ordering="id")
    def name(self, row: ProviderHealth) -> str:
        return str(row)

    @display(description="Provider")
    def provider_page(self, row: ProviderHealth) -> str:
        if row.provider is None:
            return str(row)
        page = ConsumerKey if row.key and row.key.owner_id else type(row.provider)
        return linked(page, row.provider.pk, str(row))

    @display(description="State", ordering="status", label=HEALTH_LABELS)
    def state(self, row: ProviderHealth) -> str:
        return state_of(row)

    @display(description="Not confirmed yet", empty_value="nothing")
    def doubt(self, row: ProviderHealth) -> str | None:
        return f"{row.streak} times in a row: {row.get_pending_display()}" if row.pending else None

    @display(description="Up in 24 hours")
    def last_day(self, row: Any) -> str:
        return uptime_text(row)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's uptimes come by one query more."""
        changes: Any = super().get_changelist_instance(request)
        with_uptime(changes.result_list)
        return changes


@register(HealthChange)
class HealthChangeAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": VIEWERS}
    when_empty = "Each change of a provider's state is kept here, with what became of the alerts."
    ordering = ("-id",)
    list_display = ("at", "provider", "before", "after_label", "message")
    list_filter = ("after",)
    fields = ("at", "provider_page", "before", "after_label", "message")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthChange]:
        return super().get_queryset(request).select_related("health__server", "health__key")

    def panels(self, request: HttpRequest, row: HealthChange) -> list[Panel]:
        told = [(alert.get_channel_display(), alert.outcome, alert.attempts) for alert in alerts.of(row)]
        return [Panel("Alerts", ("By", "Outcome", "Attempts"), told)]

    @display(description="Provider")
    def provider(self, row: HealthChange) -> str:
        return str(row.health)

    @display(description="Provider")
    def provider_page(self, row: HealthChange) -> str:
        return linked(ProviderHealth, row.health_id, str(row.health))

    @display(description="After", label=HEALTH_LABELS)
    def after_label(self, row: HealthChange) -> str:
        return row.get_after_display()
