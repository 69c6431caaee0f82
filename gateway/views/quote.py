"""POST /v1/quote: what a request to one of the endpoints that ask a model would cost."""

from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from gateway import max_cost, quote, runtime
from gateway.ask import Ask
from gateway.errors import InvalidRequest
from gateway.exchange import Exchange
from gateway.request_json import json_object
from gateway.routing.power import at_level
from gateway.views import bodies
from gateway.views.base import InferenceView, caller_of
from gateway.views.chat import ChatCompletionsView
from gateway.views.embeddings import EmbeddingsView
from gateway.views.endpoint import EndpointView
from gateway.views.headers import MAX_COST, ROUTING_MODE
from gateway.views.messages import MessagesView
from gateway.views.rerank import RerankView
from gateway.views.responses import ResponsesView
from gateway.views.routed import RoutedChatView
from gateway.views.workflows import ExecuteView
from opscenter.core.errors import PaymentRequired

PRICED: dict[str, type[EndpointView]] = {
    **{
        view.endpoint.name: view
        for view in (
            ChatCompletionsView,
            EmbeddingsView,
            MessagesView,
            RerankView,
            ResponsesView,
            ExecuteView,
        )
    },
    f"v2/{RoutedChatView.endpoint.name}": RoutedChatView,
}
"""The views of endpoints that cost something, by what is after /v1/ or /api/v2/llm/."""

_USUAL = ChatCompletionsView.endpoint.name
_FIELD = "endpoint"
_ENDPOINT = OpenApiParameter(
    _FIELD,
    str,
    enum=list(PRICED),
    default=_USUAL,
    description="Whose request this is. It may be a field of the body as well.",
)


class QuoteView(InferenceView):
    @extend_schema(
        operation_id="quote",
        description="The least and the most that a request can cost, whom it would go to, and what would refuse it.",
        parameters=[_ENDPOINT, MAX_COST, ROUTING_MODE],
        request=bodies.QUOTED,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> JsonResponse:
        raw = request._request.body
        view = _view_of(request.query_params.get(_FIELD) or json_object(raw).get(_FIELD))
        ask = view.endpoint.parse(raw)
        ask.body.pop(_FIELD, None)
        exchange = _exchange(request, view, ask)
        try:
            max_cost.keep_within(exchange)
        except PaymentRequired as error:
            return JsonResponse(quote.refused(exchange, error))
        serving = runtime.current()
        tier = serving.snapshots.current().rates.tiers[exchange.caller.tier]
        return JsonResponse(await quote.made(serving, exchange, tier.limits))


def _view_of(name: object) -> EndpointView:
    view = PRICED.get(_USUAL if name in (None, "chat") else str(name))
    if view is None:
        raise InvalidRequest(f"`{_FIELD}` must be one of {', '.join(PRICED)}.", param=_FIELD)
    return view()


def _exchange(request: Request, view: EndpointView, ask: Ask) -> Exchange:
    """The call as it would be. Raises what it would be refused with, where nothing could be priced."""
    serving, wishes = runtime.current(), view.wishes(request, ask)
    snapshot = serving.snapshots.current()
    caller = at_level(snapshot, caller_of(request), wishes.power_level)
    max_cost_nano = max_cost.take(ask.body, request.META.get(max_cost.HEADER))
    mode = view.mode(request, ask)
    return view.exchange(serving, caller, ask, wishes, mode, tags={}, max_cost_nano=max_cost_nano)
