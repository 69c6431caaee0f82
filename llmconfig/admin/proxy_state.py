"""The LiteLLM proxy: how it stands to what it should serve, and the button that syncs it now."""

from collections.abc import Iterable
from typing import ClassVar

from django.http import HttpRequest

from llmconfig.models import ProxyState
from llmconfig.services import proxy_sync
from opscenter.core.admin_base import Button, Panel, ReadOnlyModelAdmin, Said, display, list_of, on_front_page, register
from opscenter.core.admin_base.access import Access, may
from opscenter.core.admin_base.audited import HistoryIsTheAuditLog
from opscenter.core.api import Permissions
from opscenter.core.models import AuditEntry

_LABELS = {"In sync": "success", "Drifted": "warning", "Failing": "danger", "Not known": "info", "Off": "info"}
_MOST_SYNCS = 10
_MOST_ON_FRONT_PAGE = 5
_SYNC = Button(
    "sync", "Sync now", run="sync", needs=(Permissions.MANAGE_PROVIDERS,), shown=lambda row: proxy_sync.is_on()
)
_LOOK = Button(
    "look", "Check now", run="look", needs=(Permissions.MANAGE_PROVIDERS,), shown=lambda row: proxy_sync.is_on()
)


@register(ProxyState)
class ProxyStateAdmin(HistoryIsTheAuditLog, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": (Permissions.MANAGE_PROVIDERS,)}
    when_empty = "Set LITELLM_SYNC_MODE to file or api, and the worker keeps a LiteLLM proxy in sync with the catalog."
    list_display = ("name", "state", "models_count", "difference_count", "checked_at", "synced_at")
    sortable_by = ()
    fields = ("state", "message", "models_count", "difference_count", "checked_at", "synced_at")
    readonly_fields = ("state",)
    buttons = (_SYNC, _LOOK)

    def sync(self, request: HttpRequest, row: ProxyState) -> Said:
        proxy_sync.ask()
        return Said("The worker was asked to sync the proxy: the outcome shows here.")

    def look(self, request: HttpRequest, row: ProxyState) -> Said:
        seen = proxy_sync.look()
        return Said(f"{seen.get_status_display()}. {seen.message}".strip() if seen else "It is being synced just now.")

    def panels(self, request: HttpRequest, row: ProxyState) -> list[Panel]:
        found = []
        if row.differences:
            more = row.difference_count - len(row.differences)
            title = f"Differences, the first of {row.difference_count}" if more > 0 else "Differences"
            found.append(Panel(title, ("Difference", "Model", "What"), row.differences))
        entries = AuditEntry.objects.filter(entity_type=row._meta.db_table, entity_id=str(row.pk))[:_MOST_SYNCS]
        syncs = [(f"{one.created_at:%Y-%m-%d %H:%M:%S}", one.source, _told(one)) for one in entries]
        link = list_of(AuditEntry, entity_type__exact=row._meta.db_table)
        return [*found, Panel("Last syncs", ("When", "By", "Outcome"), syncs, link=link, link_text="All of them")]

    @display(description="Proxy")
    def name(self, row: ProxyState) -> str:
        return "LiteLLM proxy"

    @display(description="State", label=_LABELS)
    def state(self, row: ProxyState) -> str:
        return row.get_status_display() if proxy_sync.is_on() else ProxyState.Status.OFF.label


@on_front_page(order=20)
def drift(request: HttpRequest) -> Iterable[Panel]:
    """How the proxy stands, and the first of what differs, where it is kept in sync at all."""
    if not (proxy_sync.is_on() and may(request, *ProxyStateAdmin.access["view"])):
        return
    state = ProxyState.objects.filter(pk=1).first()
    if state is None or state.checked_at is None:
        yield Panel("LiteLLM proxy", ("State",), [("Never looked at: the worker does it.",)])
        return
    stands = (
        state.get_status_display(),
        "",
        f"{state.models_count} models, looked at {state.checked_at:%Y-%m-%d %H:%M}",
    )
    rows = [stands, *state.differences[:_MOST_ON_FRONT_PAGE]]
    link_text = f"All {state.difference_count} differences" if state.differences else "Sync now"
    yield Panel("LiteLLM proxy", ("State", "Model", "What"), rows, list_of(ProxyState), link_text)


def _told(entry: AuditEntry) -> str:
    return ", ".join(f"{name}: {value}" for name, value in entry.after.items())
