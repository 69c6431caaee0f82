"""Today's requests, what they cost, and the newest errors: rows of a day or two, found by the index of their time."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest

from credits import amounts
from gateway.models import AttemptRow, RequestRow
from opscenter.core.admin_base import Panel, linked
from opscenter.front_page.facts import Fact, Section, link_to

_FAILED = (RequestRow.Status.FAILED, RequestRow.Status.LOST)
_NEWEST = 10


def section(request: HttpRequest, midnight: datetime) -> Section:
    today = RequestRow.objects.filter(created_at__gte=midnight).aggregate(
        all=Count("pk"),
        failed=Count("pk", filter=Q(status__in=_FAILED)),
        refused=Count("pk", filter=Q(status=RequestRow.Status.REFUSED)),
        charged=Sum("charged_nano"),
    )
    cost = AttemptRow.objects.filter(created_at__gte=midnight).aggregate(usd=Sum("cost_usd"))["usd"] or 0
    listed = link_to(request, RequestRow, since="today")
    facts = [
        Fact("Requests today", f"{today['all']:,}", listed),
        Fact(
            "Failed today",
            f"{today['failed']:,} ({_share(today['failed'], today['all'])})",
            link_to(request, RequestRow, since="today", outcome="failed"),
            "danger" if today["failed"] else "success",
        ),
        Fact("Refused today", f"{today['refused']:,}", link_to(request, RequestRow, since="today", outcome="refused")),
        Fact("Charged today", f"{amounts.to_text(int(today['charged'] or 0))} credits", listed),
        Fact("Upstream cost today", f"${cost:.4f}", link_to(request, AttemptRow, since="today")),
    ]
    return Section("Traffic", facts, [_errors(request, midnight - timedelta(days=1))])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "no requests"


def _errors(request: HttpRequest, since: datetime) -> Panel:
    newest = RequestRow.objects.filter(created_at__gte=since, status__in=_FAILED).order_by("-created_at")[:_NEWEST]
    rows: list[tuple[Any, ...]] = [
        (
            linked(RequestRow, row.pk, f"{row.created_at:%Y-%m-%d %H:%M:%S}"),
            row.requested_model,
            row.provider or "–",
            row.get_status_display(),
            row.error_code or "–",
            row.http_status or "–",
        )
        for row in newest
    ]
    return Panel(
        "Last errors since yesterday",
        ("When", "Model", "Provider", "Outcome", "Error", "HTTP"),
        rows,
        link=link_to(request, RequestRow, since="week", outcome="failed"),
        link_text="Failed requests of the last 7 days",
    )
