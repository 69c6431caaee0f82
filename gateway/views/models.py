"""GET /v1/models and /v1/models/{name}: what the caller's key may call."""

from typing import Any

from django.http import JsonResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.request import Request

from gateway import runtime
from gateway.callers import Caller
from gateway.errors import ModelNotFound
from gateway.views.base import InferenceView, caller_of
from llmconfig.snapshot import CatalogModel
from opscenter.core.tiers import Tier


class ModelsView(InferenceView):
    @extend_schema(operation_id="list_callable_models", responses=OpenApiTypes.OBJECT)
    async def get(self, request: Request) -> JsonResponse:
        return JsonResponse({"object": "list", "data": [_model(entry) for entry in _callable(caller_of(request))]})


class ModelView(InferenceView):
    @extend_schema(operation_id="get_callable_model", responses=OpenApiTypes.OBJECT)
    async def get(self, request: Request, name: str) -> JsonResponse:
        for entry in _callable(caller_of(request)):
            if entry.name == name:
                return JsonResponse(_model(entry))
        raise ModelNotFound(f"The model `{name}` does not exist or isn't yours to call.", param="model")


def _callable(caller: Caller) -> list[CatalogModel]:
    rank = Tier(caller.tier).rank
    return [
        entry
        for entry in runtime.current().snapshots.current().catalog.models.values()
        if entry.targets
        and caller.may_use(entry.name)
        and Tier(entry.tier).rank <= rank
        and entry.owner_id in (None, caller.user_id)
    ]


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
