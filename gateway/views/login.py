"""POST /api/v1/auth/login: a user name and password for an access token."""

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.errors import NotAuthenticated, SecondFactorMissing
from gateway.services import keys
from opscenter.core.models import User
from opscenter.core.signin import lockouts, second_factor

_WRONG = OpenApiResponse(description="The user name, the password or the code is wrong, or a code is missing.")
_WITHOUT_SECOND_FACTOR = OpenApiResponse(description="Staff need a second factor, and have none yet.")
LOCKED_OUT = OpenApiResponse(description="Too many failures: wait as long as `Retry-After` says.")


class LoginInput(serializers.Serializer[None]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    otp = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="A code of the authenticator app, or a recovery code: for who has a second factor.",
    )


class LoginOutput(serializers.Serializer[None]):
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class LoginView(APIView):
    """Sessions and keys are not looked at here: whoever signs in has none yet."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="login",
        request=LoginInput,
        responses={200: LoginOutput, 401: _WRONG, 403: _WITHOUT_SECOND_FACTOR, 429: LOCKED_OUT},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        given = LoginInput(data=request.data)
        given.is_valid(raise_exception=True)
        otp = given.validated_data.pop("otp", "")
        user = authenticate(request._request, **given.validated_data)
        if not isinstance(user, User):
            raise NotAuthenticated("The user name or password is wrong.", code="invalid_credentials")
        request._request.user = user  # the audit's actor
        demand_second_factor(request._request, user, otp)
        lockouts.forgive(request._request, username=user.username)
        token = keys.issue_access_token(user=user)
        return Response(
            {"access_token": token.plaintext, "token_type": "bearer", "expires_in": settings.ACCESS_TOKEN_S},
            headers={"Cache-Control": "no-store"},
        )


def demand_second_factor(request: HttpRequest, user: User, otp: str) -> None:
    """Spends `otp` where `user` has a second factor. Raises NotAuthenticated, counted as a failed sign-in, and
    SecondFactorMissing."""
    if second_factor.lacks(user):
        raise SecondFactorMissing
    if not second_factor.is_enrolled(user):
        return
    if not otp:
        lockouts.count(request, username=user.username, evidence=lockouts.PASSWORD)
        raise NotAuthenticated("Send a code of your authenticator app as `otp`.", code="otp_required")
    if second_factor.accept(request, user=user, code=otp) is None:
        raise NotAuthenticated("This code is wrong, or was used before.", code="otp_invalid")
