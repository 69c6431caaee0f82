"""POST /v1/chat/completions."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view

from gateway.endpoints.chat import CHAT
from gateway.views.endpoint import EndpointView


@extend_schema_view(
    post=extend_schema(
        operation_id="chat_completions",
        description="OpenAI's chat completions. Unknown fields are passed to the provider.",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
)
class ChatCompletionsView(EndpointView):
    endpoint = CHAT
