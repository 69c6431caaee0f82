"""What Django itself answers when no view does: the envelope under /v1 and /api, its own pages elsewhere."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from opscenter.core.errors import envelope

_API = ("/v1/", "/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(_API):
        return defaults.bad_request(request, exception)
    return _answer(400, "The request can't be read.", "invalid_request_error", "bad_request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(_API):
        return defaults.permission_denied(request, exception)
    return _answer(403, "You may not do this.", "permission_error", "permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(_API):
        return defaults.page_not_found(request, exception)
    message = f"There is no {request.method} {request.path}. The endpoints are listed at /api/docs."
    return _answer(404, message, "invalid_request_error", "unknown_url")


def server_error(request: HttpRequest) -> HttpResponse:
    if not request.path.startswith(_API):
        return defaults.server_error(request)
    return _answer(500, "Something went wrong here.", "server_error", None)


def _answer(status: int, message: str, kind: str, code: str | None) -> JsonResponse:
    return JsonResponse(envelope(message, type=kind, code=code), status=status)
