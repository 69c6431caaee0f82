"""Who calls: bearer keys against the snapshot on the inference path, against the database for management."""

from collections.abc import Iterable

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from gateway import bearers
from gateway.callers import VIRTUAL_KEY_PERMISSIONS, Caller
from gateway.errors import NotAuthenticated, SecondFactorMissing
from gateway.models import VirtualKey
from gateway.services.keys import hash_key
from opscenter.core.models import User
from opscenter.core.signin import second_factor


def bearer_of(request: HttpRequest | Request) -> str | None:
    """The bearer key of a request, or None where it has no Authorization header. Raises NotAuthenticated."""
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    return _bearer(header) if header else None


def key_of(request: HttpRequest) -> str | None:
    """The key of a call: the bearer, else what Anthropic's clients send as `x-api-key`. Raises NotAuthenticated."""
    return bearer_of(request) or request.META.get("HTTP_X_API_KEY", "").strip() or None


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The same of headers that no request was made of yet; of several, which are no key together, too."""
    if header := _joined(headers, b"authorization"):
        return _bearer(header)
    return _joined(headers, b"x-api-key").strip() or None


def _joined(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return b",".join(value for name, value in headers if name == wanted).decode("latin1")


def _bearer(header: str) -> str:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise NotAuthenticated("The Authorization header must read `Bearer YOUR-KEY`.")
    return key.strip()


class TokenAuthentication(BaseAuthentication):
    """For the management API. The user's permissions are cut to what the presented key may carry."""

    def authenticate(self, request: Request) -> tuple[User, VirtualKey] | None:
        plaintext = bearer_of(request)
        if plaintext is None:
            return None
        secret_hash = hash_key(plaintext)
        bearer = bearers.find([secret_hash]).get(secret_hash)
        if bearer is None:
            raise NotAuthenticated("This API key is unknown, expired or revoked.")
        row = bearer.key
        if row.kind == VirtualKey.Kind.VIRTUAL:
            row.user.permission_ceiling = VIRTUAL_KEY_PERMISSIONS
        elif second_factor.lacks(row.user):
            raise SecondFactorMissing
        return row.user, row

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class CallerAuthentication(BaseAuthentication):
    """For inference: the handler or the view has asked the snapshot for the caller already."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        caller: Caller | None = getattr(request._request, "caller", None)
        if caller is None:
            raise NotAuthenticated()
        return caller, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
