"""How a provider is and was, as tables: on its own pages, and on the front page where it isn't healthy."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from llmconfig.health import alerts, uptime
from llmconfig.models import AIServer, HealthChange, ProviderHealth, ProviderKey
from llmconfig.models.health import Status
from opscenter.core.admin_base import Panel, linked, list_of, on_front_page
from opscenter.core.admin_base.access import may
from opscenter.core.api import Permissions

VIEWERS = (Permissions.MANAGE_PROVIDERS,)

_NEWEST_CHECKS, _NEWEST_CHANGES, _MOST_SICK = 20, 20, 10


def health_panels(provider: AIServer | ProviderKey) -> list[Panel]:
    """For the provider's own page."""
    health = ProviderHealth.objects.of(provider).first()
    return panels_of(health) if health else []


def panels_of(health: ProviderHealth) -> list[Panel]:
    return [_uptime(health), _changes(health), _checks(health)]


@on_front_page(order=10)
def sick(request: HttpRequest) -> Iterable[Panel]:
    if not may(request, *VIEWERS):
        return
    rows = list(
        ProviderHealth.objects.platform()
        .watched()
        .filter(status__in=(Status.UNHEALTHY, Status.DEGRADED))
        .select_related("server", "key")
        .order_by("-status", "since")[:_MOST_SICK]
    )
    with_uptime(rows)
    shown = [
        (
            linked(ProviderHealth, row.pk, str(row)),
            row.kind,
            row.get_status_display(),
            f"{row.since:%Y-%m-%d %H:%M}" if row.since else "–",
            row.message,
            uptime_text(row),
        )
        for row in rows
    ]
    if shown:
        headers = ("Provider", "Kind", "State", "Since", "Last check", "Up in 24 hours")
        yield Panel("Providers that aren't healthy", headers, shown, list_of(ProviderHealth), "Health of all providers")


def _uptime(health: ProviderHealth) -> Panel:
    rows = [
        (f"Last {name}", up.text, up.checks, up.unhealthy, _shown(up.latency_ms), _shown(up.latency_ms_max))
        for name, up in uptime.of(health).items()
    ]
    return Panel("Uptime", ("Window", "Up", "Checks", "Unhealthy", "Latency (ms)", "Longest (ms)"), rows)


def _changes(health: ProviderHealth) -> Panel:
    newest = list(health.changes.order_by("-at")[:_NEWEST_CHANGES])
    told = alerts.outcomes(newest)
    rows = [
        (
            linked(HealthChange, change.pk, f"{change.at:%Y-%m-%d %H:%M:%S}"),
            f"{change.get_before_display()} → {change.get_after_display()}",
            change.message,
            told.get(str(change.pk), "nobody was told"),
        )
        for change in newest
    ]
    return Panel("Changes of state", ("When", "Change", "Why", "Alerts"), rows)


def _checks(health: ProviderHealth) -> Panel:
    rows = [
        (
            f"{check.at:%Y-%m-%d %H:%M:%S}",
            check.get_status_display(),
            _shown(check.latency_ms),
            check.message,
        )
        for check in health.checks.order_by("-at")[:_NEWEST_CHECKS]
    ]
    return Panel(
        "Newest checks",
        ("When", "Found", "Latency (ms)", "Message"),
        rows,
        link=list_of(ProviderHealth),
        link_text="Health of all providers",
    )


def _shown(number: int | None) -> str:
    return "–" if number is None else str(number)


def with_uptime(rows: Iterable[Any]) -> None:
    """Have `uptime_text` of each row cost one query for all of them."""
    listed = list(rows)
    known = uptime.of_last_day(row.pk for row in listed)
    for row in listed:
        row.last_day = known[row.pk]


def uptime_text(row: Any) -> str:
    last_day: uptime.Uptime = row.last_day
    return last_day.text
