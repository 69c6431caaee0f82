"""The caller's credits."""

from typing import ClassVar, cast

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.models import Account
from credits.serializers import CreditsOutput
from credits.services import wallets
from opscenter.core.api import Permissions
from opscenter.core.models import User


class CreditsView(APIView):
    """Balance of the account that the caller's key spends from, else of the caller's own wallet."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True
    serializer_class = CreditsOutput

    def get(self, request: Request) -> Response:
        return Response(CreditsOutput(_account_of(request)).data)


def _account_of(request: Request) -> Account:
    if account_id := getattr(request.auth, "account_id", None):
        return Account.objects.wallets().get(pk=account_id)
    return wallets.wallet_of(cast(User, request.user))
