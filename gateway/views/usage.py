"""What calls came to, by groups."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from gateway.serializers.usage import Labels, UsageOutput
from gateway.usage import cursors, sums
from gateway.usage.asked import UsageQuery
from gateway.usage.whose import READS_SUMS, whose
from opscenter.core.api import Permissions


class UsageView(APIView):
    """The caller's calls, tokens and credits by day, model, provider, component, environment, key, tier, power level,
    or several of these. Operators ask for a user's by name, and for everybody's by `user=*`.
    """

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True

    @extend_schema(operation_id="get_usage", parameters=[UsageQuery], responses=UsageOutput)
    def get(self, request: Request) -> Response:
        query = UsageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        wanted = query.wanted(whose(request, asked.get("user"), READS_SUMS))
        group_by, size, cursor = asked["group_by"], asked["page_size"], asked.get("cursor")
        after = cursors.read(cursor, group_by) if cursor else None
        found = sums.groups(wanted, group_by, after=after, most=size + 1)
        groups, following = found[:size], None
        if len(found) > size:
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursors.written(groups[-1].of))
        total = None
        if after is None:
            total = sums.total(wanted) if following else sums.together(groups)
        said = {**asked, "total": total, "next": following, "results": groups}
        return Response(UsageOutput(said, context={"labels": Labels(group_by, groups)}).data)
