"""GET /v1/models and /v1/models/{name}: what the caller's key may call."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from credits.snapshot import PowerRate
from gateway import own_keys, runtime
from gateway.callers import Caller
from gateway.errors import ModelNotFound
from gateway.snapshot import Snapshot
from gateway.views.base import InferenceView, caller_of
from llmconfig.own_keys import KeysOfUser
from llmconfig.snapshot import Catalog, CatalogModel, Target
from opscenter.core.tiers import Tier


class ModelsView(InferenceView):
    def described(self, entry: CatalogModel) -> dict[str, Any]:
        """What is said of a model beside OpenAI's fields."""
        return {}

    @extend_schema(
        operation_id="list_callable_models",
        description="The models that the caller's key may call.",
        responses=OpenApiTypes.OBJECT,
    )
    async def get(self, request: Request) -> JsonResponse:
        models = [_model(entry) | self.described(entry) for entry in _callable(caller_of(request))]
        return JsonResponse({"object": "list", "data": models})


class ModelView(ModelsView):
    @extend_schema(
        operation_id="get_callable_model",
        description="A model that the caller's key may call.",
        responses=OpenApiTypes.OBJECT,
    )
    async def get(self, request: Request, name: str = "") -> JsonResponse:
        for entry in _callable(caller_of(request)):
            if entry.name == name:
                return JsonResponse(_model(entry) | self.described(entry))
        raise ModelNotFound(f"The model `{name}` does not exist or isn't yours to call.", param="model")


def _callable(caller: Caller) -> list[CatalogModel]:
    """The caller's own models, the catalog's, then what an active provider serves beside it, under their own names."""
    snapshot = runtime.current().snapshots.current()
    own = {entry.name: entry for (owner, _), entry in snapshot.catalog.personal.items() if owner == caller.user_id}
    platforms = (entry for entry in snapshot.catalog.models.values() if entry.name not in own)
    if keys := own_keys.of(snapshot, caller):
        platforms = (_by_own(snapshot, entry, keys) for entry in platforms)
    beside = [_beside_the_catalog(target) for target in _implicit(snapshot.catalog)]
    level = snapshot.rates.power_levels.get(caller.power_level)
    return [
        entry
        for entry in [*own.values(), *platforms, *beside]
        if _may_call(caller, entry) and any(_reaches(level, target) for target in entry.targets)
    ]


def _by_own(snapshot: Snapshot, entry: CatalogModel, keys: KeysOfUser) -> CatalogModel:
    """By an own key models of every tier are called."""
    targets = own_keys.offered(snapshot, keys, entry.name)
    return replace(entry, tier=Tier.FREE.value, targets=(*targets, *entry.targets)) if targets else entry


def _may_call(caller: Caller, entry: CatalogModel) -> bool:
    return (
        entry.owner_id in (None, caller.user_id)
        and Tier(entry.tier).rank <= Tier(caller.tier).rank
        and caller.may_use(entry.name)
        and (caller.allowed_purposes is None or entry.purpose in caller.allowed_purposes)
    )


def _reaches(level: PowerRate | None, target: Target) -> bool:
    return level is not None and (not level.strict or target.provider in level.providers)


def _implicit(catalog: Catalog) -> Iterable[Target]:
    """By name, once each, and only where the name means them."""
    found = {
        target.model_name: target
        for active in catalog.actives.values()
        for target in active.primary + active.fallback
        if target.deployment_id is None and target.model_name not in catalog.models
    }
    return found.values()


def _beside_the_catalog(target: Target) -> CatalogModel:
    return CatalogModel(
        name=target.model_name,
        purpose=target.purpose,
        tier=target.tier,
        owner_id=None,
        context_window=target.context_window,
        max_output_tokens=target.max_output_tokens,
        targets=(target,),
    )


def _model(entry: CatalogModel) -> dict[str, Any]:
    """OpenAI's model object; `owned_by` is the provider that comes first."""
    return {
        "id": entry.name,
        "object": "model",
        "created": 0,
        "owned_by": entry.targets[0].provider,
        "purpose": entry.purpose,
        "context_window": entry.context_window,
        "max_output_tokens": entry.max_output_tokens,
    }
