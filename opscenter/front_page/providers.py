"""Who can answer: AI servers, provider keys, the active provider of each purpose."""

from django.db.models import Count, Q
from django.http import HttpRequest

from llmconfig.models import ActiveProvider, AIServer, ProviderKey, Purpose
from opscenter.core.admin_base import Panel
from opscenter.front_page.facts import Fact, Section, link_to

_MOST = 10


def section(request: HttpRequest, actives: list[ActiveProvider]) -> Section:
    return Section("Providers", [*_servers(request), *_keys(request), *_actives(request, actives)], _sick())


def _servers(request: HttpRequest) -> list[Fact]:
    enabled = AIServer.objects.enabled()
    counts = dict(enabled.order_by().values_list("health_status").annotate(Count("pk")))
    total = sum(counts.values())
    sick = counts.get(AIServer.Health.UNHEALTHY, 0) + counts.get(AIServer.Health.DEGRADED, 0)
    healthy = counts.get(AIServer.Health.HEALTHY, 0)
    listed = link_to(request, AIServer, enabled__exact=1)
    text = f"{healthy} of {total} healthy" + (f", {sick} not" if sick else "")
    return [Fact("AI servers", text, listed, "danger" if sick else "success" if healthy else "")]


def _keys(request: HttpRequest) -> list[Fact]:
    platform = ProviderKey.objects.platform().aggregate(
        all=Count("pk"), routed=Count("pk", filter=Q(enabled=True, use_for_ops_center=True))
    )
    text = f"{platform['routed']} of {platform['all']} in use"
    return [Fact("Provider keys", text, link_to(request, ProviderKey))]


def _actives(request: HttpRequest, actives: list[ActiveProvider]) -> list[Fact]:
    known = {active.purpose: active for active in actives}
    facts = []
    for purpose in Purpose:
        active = known.get(purpose.value)
        if active is None:
            facts.append(Fact(f"Active for {purpose.value}", "nobody", link_to(request, ActiveProvider)))
            continue
        names = [f"{provider} ({model or 'no model'})" for _, provider, model in active.pointers()]
        facts.append(Fact(f"Active for {purpose.value}", ", then ".join(names), link_to(request, ActiveProvider)))
    return facts


def _sick() -> list[Panel]:
    states = (AIServer.Health.UNHEALTHY, AIServer.Health.DEGRADED)
    rows = [
        (server.name, server.get_health_status_display(), f"{server.last_health_check:%Y-%m-%d %H:%M}")
        for server in AIServer.objects.enabled().filter(health_status__in=states).order_by("name")[:_MOST]
    ]
    return [Panel("Servers that aren't healthy", ("Server", "Health", "Tested"), rows)] if rows else []
