"""POST /v1/embeddings."""

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway.endpoints.embeddings import EMBEDDINGS
from gateway.views import bodies, headers
from gateway.views.endpoint import EndpointView


class EmbeddingsView(EndpointView):
    endpoint = EMBEDDINGS

    @extend_schema(
        operation_id="embeddings",
        description="OpenAI's embeddings. Unknown fields are passed to the provider.",
        parameters=headers.OF_CALLS,
        request=bodies.EMBEDDINGS,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)
