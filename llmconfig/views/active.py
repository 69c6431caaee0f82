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
from llmconfig.views.resource import Resource
from opscenter.core.api import Permissions


class _Active(Resource):
    queryset = ActiveProvider.objects.complete()
    serializer_class = ActiveProviderOut
    input_class = ActiveProviderIn
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.CONFIGURE}


class ActiveListView(_Active):
    @extend_schema(operation_id="llm_config_list_active", responses=ActiveProviderOut(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="llm_config_set_active", request=ActiveProviderIn, responses=ActiveProviderOut)
    def post(self, request: Request) -> Response:
        """Make a provider the active one of a purpose, in place of the former."""
        data = self.read()
        chosen = active.set_active(
            purpose=data["purpose"],
            primary=find_provider(data["provider_type"], data["provider_id"]),
            default_model=data["default_model"],
            fallback=_fallback(data),
            fallback_model=data["fallback_model"] or "",
        )
        return self.answer(chosen)


class ActiveView(_Active):
    @extend_schema(operation_id="llm_config_get_active", responses=ActiveProviderOut)
    def get(self, request: Request, purpose: str) -> Response:
        return Response(self.get_serializer(active.get(purpose=purpose)).data)

    @extend_schema(operation_id="llm_config_clear_active", responses={204: None})
    def delete(self, request: Request, purpose: str) -> Response:
        """Leave the purpose without an active provider."""
        active.clear(purpose=purpose)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _fallback(data: dict[str, Any]) -> AIServer | ProviderKey | None:
    if data["fallback_provider_type"] is None:
        return None
    return find_provider(data["fallback_provider_type"], data["fallback_provider_id"], param="fallback_provider_id")
