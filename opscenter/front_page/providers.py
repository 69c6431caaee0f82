"""Who can answer: AI servers, provider keys, the active provider of each purpose."""

from django.db.models import Count, Q
from django.http import HttpRequest

from llmconfig.models import ActiveProvider, AIServer, ProviderKey, Purpose
from opscenter.core.admin_base import Panel, linked
from opscenter.front_page.facts import Fact, Section, link_to

_MOST = 10
_SICK = (AIServer.Health.UNHEALTHY, AIServer.Health.DEGRADED)


def section(request: HttpRequest, actives: list[ActiveProvider]) -> Section:
    return Section("Providers", [_servers(request), _keys(request), *_actives(request, actives)], _sick())


def _servers(request: HttpRequest) -> Fact:
    counts = dict(AIServer.objects.enabled().order_by().values_list("health_status").annotate(Count("pk")))
    healthy, sick = counts.get(AIServer.Health.HEALTHY, 0), sum(counts.get(state, 0) for state in _SICK)
    text = f"{healthy} of {sum(counts.values())} healthy" + (f", {sick} not" if sick else "")
    level = "danger" if sick else "success" if healthy else ""
    return Fact("AI servers", text, link_to(request, AIServer, enabled__exact=1), level)


def _keys(request: HttpRequest) -> Fact:
    platform = ProviderKey.objects.platform().aggregate(
        all=Count("pk"),
        routed=Count("pk", filter=Q(enabled=True, use_for_ops_center=True, encrypted_key__isnull=False)),
    )
    return Fact("Provider keys", f"{platform['routed']} of {platform['all']} in use", link_to(request, ProviderKey))


def _actives(request: HttpRequest, actives: list[ActiveProvider]) -> list[Fact]:
    listed = link_to(request, ActiveProvider)
    known = {active.purpose: active for active in actives}
    facts = []
    for purpose in Purpose.values:
        pointers = known[purpose].pointers() if purpose in known else []
        names = [f"{provider} ({model or 'no model'})" for _, provider, model in pointers]
        facts.append(Fact(f"Active for {purpose}", ", then ".join(names) or "nobody", listed))
    return facts


def _sick() -> list[Panel]:
    rows = [
        (
            linked(AIServer, server.pk, server.name),
            server.get_health_status_display(),
            f"{server.last_health_check:%Y-%m-%d %H:%M}" if server.last_health_check else "–",
        )
        for server in AIServer.objects.enabled().filter(health_status__in=_SICK).order_by("name")[:_MOST]
    ]
    return [Panel("Servers that aren't healthy", ("Server", "Health", "Tested"), rows)] if rows else []
