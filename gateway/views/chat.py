"""POST /v1/chat/completions: OpenAI's chat completions, plain and streamed."""

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway import hold, plain, routing, runtime, stream
from gateway.ask import ChatAsk, parse_chat, printable
from gateway.exchange import Exchange
from gateway.snapshot import Snapshot
from gateway.views.base import InferenceView, caller_of

_PURPOSE = "chat"


class ChatCompletionsView(InferenceView):
    @extend_schema(
        operation_id="chat_completions",
        description="OpenAI's chat completions. Unknown fields are passed to the provider.",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        ask = parse_chat(request._request.body)
        serving = runtime.current()
        exchange = self._exchange(request, ask, serving.snapshots.current())
        await hold.reserve(serving, exchange)
        respond = stream.respond if ask.stream else plain.respond
        return await respond(serving, exchange)

    def _exchange(self, request: Request, ask: ChatAsk, snapshot: Snapshot) -> Exchange:
        caller = caller_of(request)
        return Exchange(
            caller=caller,
            ask=ask,
            candidates=routing.candidates(
                snapshot,
                caller,
                model=ask.model,
                purpose=_PURPOSE,
                credits_per_usd=settings.CREDITS_PER_USD,
            ),
            endpoint="chat/completions",
            tags=_tags(request, ask),
            client_request_id=printable(request.META.get("HTTP_X_REQUEST_ID", ""))[:128],
            id=request._request.request_id,  # type: ignore[attr-defined]
        )


def _tags(request: Request, ask: ChatAsk) -> dict[str, str]:
    header = printable(request.META.get("HTTP_X_COMPONENT", ""))[:100]
    return {**({"component": header} if header else {}), **ask.tags}
