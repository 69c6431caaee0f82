"""/api/v2/llm: what /v1 has, over routing that the call itself has a say in."""

from typing import Any

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from gateway.ask import Ask
from gateway.endpoints.chat import CHAT
from gateway.modes.names import MODES
from gateway.routing import wishes as wishing
from gateway.routing.wishes import PRIVACY, Wishes
from gateway.views import bodies, headers
from gateway.views.endpoint import EndpointView
from gateway.views.models import ModelsView, ModelView
from llmconfig.snapshot import CatalogModel

POWER_LEVEL = OpenApiParameter(
    "X-Power-Level", str, OpenApiParameter.HEADER, description="The key's power level or a lesser one."
)
WISHES = "`power_level` and `routing` (strategy, privacy, latency, max_latency_ms, tier, providers, exclude)"


class RoutedChatView(EndpointView):
    endpoint = CHAT
    modes = MODES

    @extend_schema(
        operation_id="routed_chat_completions",
        description=f"Chat completions, with {WISHES} in the body. No model: of the whole catalog the best that fits.",
        parameters=[POWER_LEVEL, *headers.OF_CHATS],
        request=bodies.ROUTED_CHAT,
        responses=bodies.STREAMED,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)

    def wishes(self, request: Request, ask: Ask) -> Wishes:
        return wishes_of(request, ask)


class _Described(ModelsView):
    def described(self, entry: CatalogModel) -> dict[str, Any]:
        """What a call can choose by; of several deployments the least privacy."""
        first = entry.targets[0]
        return {
            "tier": entry.tier,
            "quality_score": None if first.quality_score is None else float(first.quality_score),
            "latency": first.latency_class,
            "privacy": min((target.privacy for target in entry.targets), key=PRIVACY.__getitem__),
            "strategy": first.strategy,
            "providers": sorted({target.provider for target in entry.targets}),
            "deployments": len(entry.targets),
        }


class RoutedModelsView(_Described):
    @extend_schema(
        operation_id="list_routed_models",
        description="The models that the caller's key may call, and what a call can choose by.",
        responses=OpenApiTypes.OBJECT,
    )
    async def get(self, request: Request) -> JsonResponse:
        return await super().get(request)


class RoutedModelView(_Described, ModelView):
    @extend_schema(
        operation_id="get_routed_model",
        description="A model that the caller's key may call, and what a call can choose by.",
        responses=OpenApiTypes.OBJECT,
    )
    async def get(self, request: Request, name: str = "") -> JsonResponse:
        return await super().get(request, name)


def wishes_of(request: Request, ask: Ask) -> Wishes:
    return wishing.take(ask.body, power_level=request.META.get(wishing.POWER_HEADER))
