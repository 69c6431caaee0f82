"""How the list of models can be narrowed: a catalog has thousands, most of them not callable at a given time."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from llmconfig.models import Deployment, LLMModel, ProviderKey

_LOCAL = "ai-servers"
_MOST_PROVIDERS = 40


class PricedFilter(SimpleListFilter):
    title = "price"
    parameter_name = "priced"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Can't be called for want of one")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LLMModel]) -> QuerySet[LLMModel]:
        return queryset.filter(pk__in=LLMModel.objects.unpriced()) if self.value() == "no" else queryset


class WaitingFilter(SimpleListFilter):
    title = "place"
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ready", "Has a key or server"), ("waiting", "Waits for a key or server")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LLMModel]) -> QuerySet[LLMModel]:
        if self.value() not in ("ready", "waiting"):
            return queryset
        ready = Exists(Deployment.objects.placed().filter(model_id=OuterRef("pk")))
        return queryset.filter(ready if self.value() == "ready" else ~ready)


class ProviderFilter(SimpleListFilter):
    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        slugs = ProviderKey.objects.order_by("provider").values_list("provider", flat=True).distinct()
        return [(_LOCAL, "AI servers"), *((slug, slug) for slug in slugs[:_MOST_PROVIDERS])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LLMModel]) -> QuerySet[LLMModel]:
        chosen = self.value()
        if not chosen:
            return queryset
        there = Deployment.objects.filter(model_id=OuterRef("pk"))
        on = there.filter(server__isnull=False) if chosen == _LOCAL else there.filter(key__provider=chosen)
        return queryset.filter(Exists(on))
