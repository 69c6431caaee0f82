"""POST /v1/chat/completions."""

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway.endpoints.chat import CHAT
from gateway.modes.names import MODES
from gateway.views import bodies, headers
from gateway.views.endpoint import EndpointView


class ChatCompletionsView(EndpointView):
    endpoint = CHAT
    modes = MODES

    @extend_schema(
        operation_id="chat_completions",
        description="OpenAI's chat completions. Unknown fields are passed to the provider.",
        parameters=headers.OF_CHATS,
        request=bodies.CHAT,
        responses=bodies.STREAMED,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)
