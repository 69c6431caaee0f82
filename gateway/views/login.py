"""POST /api/v1/auth/login: a user name and password for an access token."""

from django.conf import settings
from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.errors import NotAuthenticated
from gateway.services import keys
from opscenter.core.models import User


class LoginInput(serializers.Serializer[None]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class LoginOutput(serializers.Serializer[None]):
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class LoginView(APIView):
    """Sessions and keys are not looked at here: whoever signs in has none yet."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="login", request=LoginInput, responses=LoginOutput, auth=[])
    def post(self, request: Request) -> Response:
        given = LoginInput(data=request.data)
        given.is_valid(raise_exception=True)
        user = authenticate(request._request, **given.validated_data)
        if not isinstance(user, User):
            raise NotAuthenticated("The user name or password is wrong.", code="invalid_credentials")
        request._request.user = user  # the audit's actor
        token = keys.issue_access_token(user=user)
        return Response(
            {"access_token": token.plaintext, "token_type": "bearer", "expires_in": settings.ACCESS_TOKEN_S},
            headers={"Cache-Control": "no-store"},
        )
