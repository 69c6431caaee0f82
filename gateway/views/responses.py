"""POST /v1/responses, and the addresses at which OpenAI keeps them, which have nothing here."""

from collections.abc import Mapping
from typing import ClassVar, NoReturn

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway.ask import Ask
from gateway.endpoints.responses.endpoint import RESPONSES, able
from gateway.errors import NotStored
from gateway.routing import Candidate
from gateway.views import bodies, headers
from gateway.views.base import InferenceView
from gateway.views.endpoint import EndpointView


class ResponsesView(EndpointView):
    endpoint = RESPONSES

    @extend_schema(
        operation_id="responses",
        description="OpenAI's responses, of any model. Nothing of them is stored: each request has the whole "
        "conversation. Unknown fields are passed to the provider.",
        parameters=headers.OF_CALLS,
        request=bodies.RESPONSES,
        responses=bodies.STREAMED,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)

    def able(self, candidates: tuple[Candidate, ...], ask: Ask) -> tuple[Candidate, ...]:
        return able(candidates, ask)


@extend_schema(exclude=True)
class StoredResponseView(InferenceView):
    """Says so in so many words: SDKs ask for what they believe to be there."""

    required_permissions: ClassVar[Mapping[str, str]] = {"*": "llm.read"}

    async def get(self, request: Request, **_: str) -> NoReturn:
        raise NotStored()

    async def post(self, request: Request, **_: str) -> NoReturn:
        raise NotStored()

    async def delete(self, request: Request, **_: str) -> NoReturn:
        raise NotStored()
