"""How providers are by their checks, and whatever else apps show of what has gone astray."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest
from django.utils import timezone

from llmconfig.models import ProviderHealth
from llmconfig.models.health import Status
from opscenter.core.admin_base.front_page import front_page_panels
from opscenter.core.models import Alert
from opscenter.front_page.facts import Fact, Section, ago, link_to

# Some looks may be late where a worker is busy.
_LATE_TICKS, _LATE_S = 10, 60


def section(request: HttpRequest) -> Section:
    return Section("Health and drift", [*_states(request), _alerts(request)], front_page_panels(request))


def _states(request: HttpRequest) -> Iterator[Fact]:
    counts = {status: Count("pk", filter=Q(status=status)) for status in Status.values}
    rows = ProviderHealth.objects.platform().watched()
    found = rows.aggregate(**counts, last=Max("checked_at"), most_overdue=Min("due_at"))
    watched = sum(found[status] for status in Status.values)
    yield Fact("Healthy", f"{found['healthy']} of {watched}", link_to(request, ProviderHealth))
    for status, level in (("degraded", "warning"), ("unhealthy", "danger")):
        listed = link_to(request, ProviderHealth, status__exact=status)
        yield Fact(Status(status).label, str(found[status]), listed, level if found[status] else "success")
    if found["last"] is None:
        yield Fact("Last check", "never made", level="warning" if watched else "")
        return
    now = timezone.now()
    overdue_s = (now - found["most_overdue"]).total_seconds()
    is_late = overdue_s > settings.HEALTH_TIMEOUT_S + _LATE_TICKS * settings.HEALTH_TICK_S + _LATE_S
    text = ago((now - found["last"]).total_seconds())
    yield Fact("Last check", text, level="danger" if is_late else "success")


def _alerts(request: HttpRequest) -> Fact:
    """Those of a week that nobody got, from the index over what was not sent."""
    since = timezone.now() - timedelta(days=7)
    unsent = Alert.objects.filter(queued_at__gte=since, sent_at__isnull=True).aggregate(
        waiting=Count("pk", filter=Q(due_at__isnull=False)), lost=Count("pk", filter=Q(due_at__isnull=True))
    )
    text = f"{unsent['waiting']} waiting" + (f", {unsent['lost']} given up" if unsent["lost"] else "")
    level = "danger" if unsent["lost"] else "warning" if unsent["waiting"] else "success"
    return Fact("Alerts", text, link_to(request, Alert), level)
