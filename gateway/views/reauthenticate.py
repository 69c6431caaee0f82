"""POST /api/v1/auth/reauthenticate: the password once more, by a session or an access token."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.errors import NotAuthenticated
from gateway.models import VirtualKey
from gateway.services import keys
from gateway.views.login import LOCKED_OUT, demand_second_factor
from opscenter.core import audit
from opscenter.core.api import Permissions
from opscenter.core.signin import lockouts, reauthentication


class ReauthenticateInput(serializers.Serializer[None]):
    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    otp = serializers.CharField(
        max_length=20, required=False, allow_blank=True, help_text="For who has a second factor, as in signing in."
    )


class ReauthenticateOutput(serializers.Serializer[None]):
    expires_in = serializers.IntegerField(help_text="Seconds for which this counts.")


class ReauthenticateView(APIView):
    """Failures count as failed sign-ins, and lock out as those do."""

    required_permissions: ClassVar = {"POST": Permissions.READ}

    @extend_schema(
        operation_id="reauthenticate",
        request=ReauthenticateInput,
        responses={200: ReauthenticateOutput, 429: LOCKED_OUT},
    )
    def post(self, request: Request) -> Response:
        given = ReauthenticateInput(data=request.data)
        given.is_valid(raise_exception=True)
        django_request, username = request._request, request.user.get_username()
        user = authenticate(django_request, username=username, password=given.validated_data["password"])
        if user is None or user.pk != request.user.pk:
            raise NotAuthenticated("The password is wrong.", code="invalid_credentials")
        demand_second_factor(django_request, request.user, given.validated_data.get("otp", ""))
        lockouts.forgive(django_request, username=username)
        if isinstance(request.auth, VirtualKey):
            keys.mark_reauthenticated(request.auth)
        else:
            reauthentication.mark_session(request)
        audit.record(action="reauthenticate", entity_type="users", entity_id=user.pk, before={}, after={})
        return Response({"expires_in": settings.REAUTHENTICATION_S}, headers={"Cache-Control": "no-store"})
