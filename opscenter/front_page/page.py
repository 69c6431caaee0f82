"""Puts the front page together, for those who may read; each section for whom may open what is behind it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from credits.models import Hold, Journal
from credits.services import ledger_checks
from gateway.models import RequestRow
from llmconfig.models import ActiveProvider
from opscenter.core.admin_base.access import may
from opscenter.core.api import Permissions
from opscenter.front_page import health, money, providers, traffic, warnings
from opscenter.front_page.facts import Section, may_view


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """For unfold: adds `sections` and `warnings`, or neither for whom may not read."""
    if not may(request, Permissions.READ):
        return context
    actives, swept = list(ActiveProvider.objects.complete()), ledger_checks.last_sweep()
    return {
        **context,
        "title": "Overview",
        "content_title": "Overview",
        "sections": list(_sections(request, actives, swept)),
        "warnings": warnings.warnings(request, actives, swept),
        "as_of": timezone.now(),
    }


def _sections(request: HttpRequest, actives: list[ActiveProvider], swept: timedelta | None) -> Iterator[Section]:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    yield Section("Installation", [warnings.worker(swept)])
    yield providers.section(request, actives)
    yield health.section(request)
    if may_view(request, RequestRow):
        yield traffic.section(request, midnight)
    if may_view(request, Hold) and may_view(request, Journal):
        yield money.section(request, midnight)
