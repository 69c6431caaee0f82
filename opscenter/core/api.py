"""What every REST endpoint shares: the error envelope, pages and permissions."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ProtectedError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from opscenter.core.errors import Conflict, ServiceError, envelope

if TYPE_CHECKING:
    # Its views import this module, by way of the settings.
    from rest_framework.views import APIView


class PageNumberPages(PageNumberPagination):
    """{"count", "next", "previous", "results"}; `?page=`, `?page_size=` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class LLMPermission(BasePermission):
    """Asks for the permission that the view declares for the method; a view that declares none is refused.

    `required_permissions = {"GET": "llm.read", "*": "llm.configure"}`; of a tuple of them, one will do. Who acts by a
    credential with a permission ceiling is let into views with `for_consumers = True` alone.
    """

    message = "You may not do this."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        declared: dict[str, str | tuple[str, ...]] = getattr(view, "required_permissions", {})
        method = "GET" if request.method in ("HEAD", "OPTIONS") else str(request.method)
        needed = declared.get(method) or declared.get("*")
        if needed is None:
            return False
        permissions = (needed,) if isinstance(needed, str) else needed
        if not request.user.is_authenticated:
            return False
        if getattr(request.user, "permission_ceiling", None) is not None and not getattr(view, "for_consumers", False):
            self.message = "A virtual key is for calling models: sign in to manage them (POST /api/v1/auth/login)."
            return False
        self.message = f"You may not do this: it needs the permission {' or '.join(permissions)}."
        return any(request.user.has_perm(permission) for permission in permissions)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn whatever a view raised into the envelope; None (a 500) for what nobody foresaw."""
    if isinstance(error, ServiceError):
        return Response(error.body(), status=error.status, headers=error.headers)
    if isinstance(error, ProtectedError):
        return exception_handler(_in_use(error), context)
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(_details(error))
    elif isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    return None


def _from_drf(error: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        param, message = _first(error.detail)
        body = envelope(
            message, type="invalid_request_error", code="invalid", param=param, details={"fields": error.detail}
        )
        return Response(body, status=status.HTTP_422_UNPROCESSABLE_ENTITY, headers=headers)
    kind, code = _KINDS.get(error.status_code, ("invalid_request_error", None))
    body = envelope(str(error.detail), type=kind, code=code or getattr(error.detail, "code", None))
    return Response(body, status=error.status_code, headers=headers)


_KINDS: dict[int, tuple[str, str | None]] = {
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", None),
}


def _first(detail: Any, path: str = "") -> tuple[str | None, str]:
    """The first complaint in DRF's nested detail, as (dotted field, sentence)."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        plain = str(name) in ("non_field_errors", "__all__")
        return _first(inner, path if plain else f"{path}.{name}".lstrip("."))
    if isinstance(detail, list):
        return _first(next((item for item in detail if item), ""), path)
    return path or None, f"{path}: {detail}" if path else str(detail)


def _details(error: ValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else error.messages


def _in_use(error: ProtectedError) -> Conflict:
    users = sorted({f"{row._meta.verbose_name} {row}" for row in error.protected_objects})
    return Conflict(
        f"This is in use and can't be deleted: {', '.join(users[:10])}.",
        code="in_use",
        details={"used_by": users},
    )


class Permissions:
    """The names of the permissions."""

    READ: ClassVar = "llm.read"
    EXECUTE: ClassVar = "llm.execute"
    CONFIGURE: ClassVar = "llm.configure"
    MANAGE_PROVIDERS: ClassVar = "llm.manage_providers"
    MANAGE_MODELS: ClassVar = "llm.manage_models"
    MANAGE_OWN_MODELS: ClassVar = "llm.manage_own_models"
