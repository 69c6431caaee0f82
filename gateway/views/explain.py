"""POST /api/v2/llm/routing/explain: whom a call would go to, and why."""

from django.conf import settings
from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway import routing, runtime
from gateway.endpoints.chat import CHAT
from gateway.routing.explained import explained
from gateway.routing.power import at_level
from gateway.routing.strategies import Job
from gateway.views import bodies
from gateway.views.base import InferenceView, caller_of
from gateway.views.routed import POWER_LEVEL, WISHES, wishes_of


class ExplainView(InferenceView):
    """By the very plan that a call would go by; nobody is called, no limit or credit is taken."""

    @extend_schema(
        operation_id="explain_routing",
        description=f"Whom a chat completion with this body would go to, and why. {WISHES} are heeded.",
        parameters=[POWER_LEVEL],
        request=bodies.ROUTED_CHAT,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> JsonResponse:
        ask = CHAT.parse(request._request.body)
        wishes = wishes_of(request, ask)
        serving, job = runtime.current(), Job.of(ask)
        snapshot, look = serving.snapshots.current(), serving.measured.seen
        serving.breaker.heed(snapshot.catalog.down)
        caller = at_level(snapshot, caller_of(request), wishes.power_level)
        plan = routing.plan(
            snapshot,
            caller,
            model=ask.model,
            purpose=CHAT.purpose,
            credits_per_usd=settings.CREDITS_PER_USD,
            wishes=wishes,
            look=look,
            job=job,
        )
        told = explained(
            plan,
            caller=caller,
            model=ask.model,
            purpose=CHAT.purpose,
            job=job,
            look=look,
            breakers=serving.breaker.states(),
        )
        return JsonResponse(told)
