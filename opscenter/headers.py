"""Security headers of every answer; the policies themselves are in the settings."""

from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_DATA = ("/api/", "/v1/")
_DOCS = "/api/docs"


class SecurityHeadersMiddleware(CSPMiddleware):
    """A Content-Security-Policy by what a path serves, and Permissions-Policy; also on static files and errors."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and (policy := _policy_of(request.path)) is not None:
            parts.config = policy
        return parts


def _policy_of(path: str) -> dict[str, Any] | None:
    """None: that of pages."""
    if path.startswith("/admin/"):
        return settings.CSP_OF_ADMIN
    if path.startswith(_DATA) and path != _DOCS:
        return settings.CSP_OF_DATA
    return None
