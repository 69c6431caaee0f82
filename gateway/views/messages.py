"""POST /v1/messages and /v1/messages/count_tokens."""

from django.conf import settings
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway import routing, runtime
from gateway.ask import Ask, model_in
from gateway.endpoints.messages.blocks import Blocks
from gateway.endpoints.messages.endpoint import MESSAGES, able
from gateway.endpoints.messages.request import count_prompt, read
from gateway.error_words import also_named
from gateway.errors import InvalidRequest
from gateway.routing import Candidate
from gateway.views import bodies, headers
from gateway.views.base import InferenceView, caller_of
from gateway.views.endpoint import EndpointView


class MessagesView(EndpointView):
    endpoint = MESSAGES

    @extend_schema(
        operation_id="messages",
        description="Anthropic's messages, of any model. Unknown fields are passed to the provider.",
        parameters=headers.OF_CALLS,
        request=bodies.MESSAGES,
        responses=bodies.STREAMED,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        response = await self.answer(request)
        # A replayed answer has the id of the call that was made.
        request_id = response.get("x-request-id") or request._request.request_id  # type: ignore[attr-defined]
        for name, value in also_named(request.path, request_id).items():
            response[name] = value
        return response

    def able(self, candidates: tuple[Candidate, ...], ask: Ask) -> tuple[Candidate, ...]:
        return able(candidates, ask)


class CountTokensView(InferenceView):
    @extend_schema(
        operation_id="count_message_tokens",
        description="About how many tokens a message's text is, by the count that bills go by where a provider reports "
        "none. Nobody is asked, nothing is charged.",
        request=bodies.COUNTED,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> JsonResponse:
        body = read(request._request.body)
        if Blocks(body).has_media:
            raise InvalidRequest("Images and files can't be counted here: only text is.", param="messages")
        routing.candidates(
            runtime.current().snapshots.current(),
            caller_of(request),
            model=model_in(body),
            purpose=MESSAGES.purpose,
            credits_per_usd=settings.CREDITS_PER_USD,
        )
        return JsonResponse({"input_tokens": count_prompt(body), "is_estimate": True})
