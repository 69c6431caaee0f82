"""Who can answer: provider keys in use, the active provider of each purpose."""

from django.db.models import Count, Q
from django.http import HttpRequest

from llmconfig.models import ActiveProvider, ProviderKey, Purpose
from opscenter.front_page.facts import Fact, Section, link_to


def section(request: HttpRequest, actives: list[ActiveProvider]) -> Section:
    return Section("Providers", [_keys(request), *_actives(request, actives)])


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
