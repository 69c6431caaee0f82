"""/active"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.models import ActiveProvider, AIServer, ProviderKey
from llmconfig.serializers.active import ActiveProviderIn, ActiveProviderOut
from llmconfig.services import active
from llmconfig.services.pointers import find_provider
from llmconfig.views.filters import ActiveProviderFilter
from llmconfig.views.resource import CHANGED_MEANWHILE, IF_MATCH, Resource, with_etag
from opscenter.core.api import Permissions


class _Active(Resource):
    """What the providers themselves are like is no part of the pointer, nor of its ETag."""

    queryset = ActiveProvider.objects.complete()
    serializer_class = ActiveProviderOut
    input_class = ActiveProviderIn
    bookkeeping = frozenset({"updated_at", "provider", "fallback_provider"})
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.CONFIGURE}


class ActiveListView(_Active):
    filterset_class = ActiveProviderFilter

    @extend_schema(operation_id="llm_config_list_active", responses=ActiveProviderOut(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="llm_config_set_active",
        parameters=[IF_MATCH, with_etag(200)],
        request=ActiveProviderIn,
        responses={200: ActiveProviderOut, 412: CHANGED_MEANWHILE},
    )
    def post(self, request: Request) -> Response:
        """Make a provider the active one of a purpose, in place of the former, which is what If-Match is about."""
        data = self.read()
        with self.matched(lambda: self.get_queryset().filter(purpose=data["purpose"]).first()):
            chosen = active.set_active(
                purpose=data["purpose"],
                primary=find_provider(data["provider_type"], data["provider_id"]),
                default_model=data["default_model"],
                fallback=_fallback(data),
                fallback_model=data["fallback_model"] or "",
            )
        return self.answer(chosen)


class ActiveView(_Active):
    @extend_schema(operation_id="llm_config_get_active", parameters=[with_etag(200)], responses=ActiveProviderOut)
    def get(self, request: Request, purpose: str) -> Response:
        return self.shown(active.get(purpose=purpose))

    @extend_schema(
        operation_id="llm_config_clear_active", parameters=[IF_MATCH], responses={204: None, 412: CHANGED_MEANWHILE}
    )
    def delete(self, request: Request, purpose: str) -> Response:
        """Leave the purpose without an active provider."""
        with self.matched(lambda: active.get(purpose=purpose)):
            active.clear(purpose=purpose)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _fallback(data: dict[str, Any]) -> AIServer | ProviderKey | None:
    if data["fallback_provider_type"] is None:
        return None
    return find_provider(data["fallback_provider_type"], data["fallback_provider_id"], param="fallback_provider_id")
