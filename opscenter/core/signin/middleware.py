"""Sessions that owe a second factor get nothing done but giving it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from opscenter.core.errors import Forbidden
from opscenter.core.signin import second_factor

# What anybody may ask for, and the way out.
_OPEN = ("/accounts/", "/static/", "/admin/logout/", "/admin/jsi18n/", "/api/docs", "/api/schema", "/api/v1/auth/login")


class SecondFactorMiddleware(MiddlewareMixin):
    """Who has a second factor gives it in every session, also in one opened before; staff may have to enrol first."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith(_OPEN) or not request.user.is_authenticated:
            return None
        given = second_factor.was_given(request, request.user)
        if given is False:
            return _lead(request, "mfa_reauthenticate", "Confirm this session by a code of your authenticator app.")
        if given is None and second_factor.is_demanded_of(request.user):
            return _lead(request, "mfa_activate_totp", "Staff need a second factor: set one up first.")
        return None


def _lead(request: HttpRequest, page: str, why: str) -> HttpResponse:
    address = reverse(page)
    if request.path.startswith("/api/"):
        error = Forbidden(f"{why} The page is {address}.", code="second_factor_required")
        return JsonResponse(error.body(), status=error.status)
    wanted = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
    return HttpResponseRedirect(address + (wanted if page == "mfa_reauthenticate" else ""))
