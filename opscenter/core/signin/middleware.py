"""Sessions that owe a second factor get nothing done but giving it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from opscenter.core.signin import second_factor
from opscenter.core.signin.second_factor import Owed

# What anybody may ask for, and the way out.
_OPEN = ("/accounts/", "/static/", "/admin/logout/", "/admin/jsi18n/", "/api/docs", "/api/schema", "/api/v1/auth/login")


class SecondFactorMiddleware(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith(_OPEN) or not request.user.is_authenticated:
            return None
        owed = second_factor.owed(request, request.user)
        return _lead(request, owed) if owed else None


def _lead(request: HttpRequest, owed: Owed) -> HttpResponse:
    if request.path.startswith("/api/"):
        error = owed.refusal()
        return JsonResponse(error.body(), status=error.status)
    wanted = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
    return HttpResponseRedirect(reverse(owed.page) + (wanted if owed.page == "mfa_reauthenticate" else ""))
