"""The plans that there are, and who has which."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.models import Plan
from credits.permissions import MOVES_MONEY
from credits.serializers.plans import AccountPlanOutput, PlanListedOutput, SetPlanInput
from credits.services import plans
from credits.views.accounts import wallet_of_name
from opscenter.core.api import Permissions


class PlanListView(ListAPIView[Plan]):
    """The plans that accounts may be given."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True
    serializer_class = PlanListedOutput
    queryset = Plan.objects.filter(active=True)
    pagination_class = None
    filter_backends = ()


class SetPlanView(APIView):
    """Give a user's account a plan, with its tier and what it grants, or take it away. For operators."""

    required_permissions: ClassVar = {"POST": MOVES_MONEY}

    @extend_schema(operation_id="set_plan", request=SetPlanInput, responses={200: AccountPlanOutput})
    def post(self, request: Request) -> Response:
        asked = SetPlanInput(data=request.data)
        asked.is_valid(raise_exception=True)
        account = wallet_of_name(asked.validated_data["user"])
        slug = asked.validated_data["plan"]
        plans.set_plan(account=account, plan=None if slug is None else plans.named(slug))
        return Response(AccountPlanOutput(account).data)
