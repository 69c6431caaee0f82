"""POST /v1/chat/completions: OpenAI's chat completions, plain and streamed."""

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway import hold, plain, records, routing, runtime, stream
from gateway.ask import ChatAsk, parse_chat, printable
from gateway.callers import Caller
from gateway.exchange import Exchange
from gateway.limits import admission
from gateway.limits.headers import marked
from gateway.routing import Candidate
from gateway.snapshot import Snapshot
from gateway.views.base import InferenceView, caller_of
from opscenter.core.errors import ServiceError

_PURPOSE = "chat"
_ENDPOINT = "chat/completions"


class ChatCompletionsView(InferenceView):
    @extend_schema(
        operation_id="chat_completions",
        description="OpenAI's chat completions. Unknown fields are passed to the provider.",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        ask = parse_chat(request._request.body)
        serving, caller = runtime.current(), caller_of(request)
        request_id = request._request.request_id  # type: ignore[attr-defined]
        try:
            snapshot = serving.snapshots.current()
            serving.breaker.heed(snapshot.catalog.down)
            candidates = self._candidates(snapshot, caller, ask)
        except ServiceError as error:
            serving.recorder.put(records.turned_away(request_id, caller, ask, _ENDPOINT, error), [])
            raise
        exchange = Exchange(
            id=request_id,
            caller=caller,
            ask=ask,
            candidates=candidates,
            endpoint=_ENDPOINT,
            tags=_tags(request, ask),
            client_request_id=printable(request.META.get("HTTP_X_REQUEST_ID", ""))[:128],
        )
        async with admission.admitted(serving, exchange, snapshot.rates.tiers[caller.tier].limits):
            await hold.reserve(serving, exchange)
        respond = stream.respond if ask.stream else plain.respond
        return await marked(exchange, respond(serving, exchange))

    @staticmethod
    def _candidates(snapshot: Snapshot, caller: Caller, ask: ChatAsk) -> tuple[Candidate, ...]:
        return routing.candidates(
            snapshot, caller, model=ask.model, purpose=_PURPOSE, credits_per_usd=settings.CREDITS_PER_USD
        )


def _tags(request: Request, ask: ChatAsk) -> dict[str, str]:
    header = printable(request.META.get("HTTP_X_COMPONENT", ""))[:100]
    return {**({"component": header} if header else {}), **ask.tags}
