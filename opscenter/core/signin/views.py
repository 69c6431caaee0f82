"""The pages of signing in that differ from allauth's."""

from typing import Any

from allauth.account.views import PasswordChangeView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from opscenter.core.signin import second_factor


@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """There is one way in: the admin's own sign-in page would ask for no second factor."""
    wanted = request.GET.get("next") or reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect_to_login(wanted, reverse("account_login"))
    if not request.user.is_staff:
        raise PermissionDenied
    return HttpResponseRedirect(reverse("admin:index"))


@method_decorator(login_required, name="dispatch")
class ChangePassword(PasswordChangeView):  # type: ignore[misc]  # allauth ships no types
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who has no password gets one from an operator, not from whoever holds their session."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            raise PermissionDenied
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


@method_decorator(never_cache, name="dispatch")
class Enrol(ActivateTOTPView):  # type: ignore[misc]  # likewise
    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            second_factor.enrolled(self.request, user=self.request.user, counter=form.counter)
        return response
