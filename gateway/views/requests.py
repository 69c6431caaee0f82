"""Calls one by one, and the receipt of each."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from gateway.models import RequestRow
from gateway.serializers.requests import ReceiptOutput, RequestsOutput
from gateway.usage import listed, names, receipted
from gateway.usage.asked import RequestsQuery
from gateway.usage.whose import READS_REQUESTS, may_see_all, whose
from opscenter.core.api import Permissions
from opscenter.core.models import User

_PRUNED = OpenApiResponse(description="Its row is no longer kept; `details` has what the ledger says of it.")


class RequestsView(APIView):
    """The caller's requests, newest first; no page misses one or has one twice while others are made. Operators ask for
    a user's by name, and for everybody's by `user=*`.
    """

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True

    @extend_schema(operation_id="list_requests", parameters=[RequestsQuery], responses=RequestsOutput)
    def get(self, request: Request) -> Response:
        query = RequestsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        wanted = query.wanted(whose(request, asked.get("user"), READS_REQUESTS))
        page = listed.page(wanted, before=asked.get("cursor"), size=asked["page_size"])
        address = request.build_absolute_uri()
        following = replace_query_param(address, "cursor", page.before) if page.before else None
        return Response(RequestsOutput({"next": following, "results": page.rows}, context=_named(page.rows)).data)


class ReceiptView(APIView):
    """A request with its attempts, prices, markup, multiplier, hold and charge, and the charge made out anew."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True

    @extend_schema(operation_id="get_receipt", responses={200: ReceiptOutput, 410: _PRUNED})
    def get(self, request: Request, pk: UUID) -> Response:
        user_id = None if may_see_all(request, READS_REQUESTS) else cast(User, request.user).pk
        found = receipted.find(pk, user_id=user_id)
        return Response(ReceiptOutput(found, context=_named([found.request])).data)


def _named(rows: Sequence[RequestRow]) -> dict[str, Any]:
    return {
        "keys": names.of_keys(row.virtual_key_id for row in rows),
        "users": names.of_users(row.user_id for row in rows),
    }
