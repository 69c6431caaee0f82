"""/audit"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.serializers.audit import AuditEntryOut
from llmconfig.views.filters import AuditEntryFilter
from opscenter.core.api import Permissions
from opscenter.core.models import AuditEntry
from opscenter.core.usernames import with_username


class NewestFirst(CursorPagination):
    """{"next", "previous", "results"}: each page costs the same, and none misses an entry while others write."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class _Audit(GenericAPIView[Any]):
    """What was changed, by whom; it is written by whatever changes something, and by nobody else."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntryOut
    required_permissions: ClassVar = {"GET": Permissions.CONFIGURE, "*": Permissions.CONFIGURE}

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return with_username(super().get_queryset())


class AuditListView(_Audit):
    pagination_class = NewestFirst
    filterset_class = AuditEntryFilter

    @extend_schema(operation_id="llm_config_list_audit", responses=AuditEntryOut(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class AuditView(_Audit):
    @extend_schema(operation_id="llm_config_get_audit_entry", responses=AuditEntryOut)
    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
