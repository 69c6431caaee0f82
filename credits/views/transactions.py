"""What moved on the caller's account, or on another's for operators."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from credits import statements
from credits.serializers.transactions import TransactionsOutput, TransactionsQuery
from credits.views.accounts import account_of
from opscenter.core.api import Permissions


class TransactionsView(APIView):
    """The account's transactions, newest first; no page misses one or has one twice while others are made."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True

    @extend_schema(operation_id="list_transactions", parameters=[TransactionsQuery], responses=TransactionsOutput)
    def get(self, request: Request) -> Response:
        query = TransactionsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        account = account_of(request, asked.get("user"))
        page = statements.page(account, query.wanted, before=asked.get("cursor"), size=asked["page_size"])
        address = request.build_absolute_uri()
        following = replace_query_param(address, "cursor", page.before) if page.before else None
        return Response(TransactionsOutput({"next": following, "results": page.entries}).data)
