"""The caller's credits."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits import summaries
from credits.serializers.balance import CreditsOutput
from credits.views.accounts import own_account
from opscenter.core.api import Permissions


class CreditsView(APIView):
    """Balance of the account that the caller's key spends from, else of the caller's own wallet."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True
    serializer_class = CreditsOutput

    @extend_schema(operation_id="get_credits", responses=CreditsOutput)
    def get(self, request: Request) -> Response:
        return Response(CreditsOutput(summaries.summary_of(own_account(request))).data)
