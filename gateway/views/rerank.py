"""POST /v1/rerank."""

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway.endpoints.rerank import RERANK
from gateway.views import bodies, headers
from gateway.views.endpoint import EndpointView


class RerankView(EndpointView):
    endpoint = RERANK

    @extend_schema(
        operation_id="rerank",
        description="Reranking, for clients of Cohere's and Jina's.",
        parameters=headers.OF_CALLS,
        request=bodies.RERANK,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)
