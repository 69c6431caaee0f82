"""/health"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.health import uptime
from llmconfig.models import ProviderHealth
from llmconfig.serializers.health import ProviderHealthOut
from llmconfig.views.filters import ProviderHealthFilter
from opscenter.core.api import Permissions


class HealthListView(GenericAPIView[Any]):
    """Of the platform's servers and keys; written by their checks alone."""

    queryset = ProviderHealth.objects.platform().select_related("server", "key")
    serializer_class = ProviderHealthOut
    filterset_class = ProviderHealthFilter
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.MANAGE_PROVIDERS}

    @extend_schema(operation_id="llm_config_list_health", responses=ProviderHealthOut(many=True))
    def get(self, request: Request) -> Response:
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        uptimes = uptime.of_last_day(row.pk for row in page)
        context = {**self.get_serializer_context(), "uptimes": uptimes}
        return self.get_paginated_response(self.get_serializer(page, many=True, context=context).data)
