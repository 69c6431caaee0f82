"""Shows a new key once, on a page of its own, so that a reload issues no other.

Between the two the key waits in the session, encrypted under the key ring, and is gone once it was looked at.
"""

from collections.abc import Callable
from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from gateway.models import VirtualKey
from opscenter.core.admin_base.unfolded import Page
from opscenter.core.secrets import key_ring

_SESSION_KEY = "issued_key"
_WAITS_S = 300


class IssuedOnce(Page):
    """Mixed into the page of keys: `hand_over` after a key was made or rotated, with its plaintext."""

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponseBase] = self.admin_site.admin_view(require_safe(self.issued_view))
        return [path("<int:key_id>/issued/", view, name="gateway_virtualkey_issued"), *super().get_urls()]

    def hand_over(self, request: HttpRequest, key: VirtualKey, plaintext: str) -> str:
        """The address of the page that will show it."""
        sealed = key_ring().encrypt(plaintext.encode()).decode()
        request.session[_SESSION_KEY] = {"key": key.pk, "sealed": sealed}
        return reverse("admin:gateway_virtualkey_issued", args=[key.pk])

    def issued_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """The key, to whoever issued it and for the first time; after that, the way to its row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row_address = reverse("admin:gateway_virtualkey_change", args=[key_id])
        plaintext = _taken(request, key_id)
        if plaintext is None:
            messages.warning(request, "A key is shown once, and this one was. Lost it? Rotate it, or revoke it.")
            return redirect(row_address)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Virtual key issued",
            "opts": self.opts,
            "original": VirtualKey.objects.filter(pk=key_id).first(),
            "plaintext": plaintext,
            "row_address": row_address,
        }
        response = render(request, "admin/virtual_key_issued.html", context)
        response["Cache-Control"] = "no-store"
        return response


def _taken(request: HttpRequest, key_id: int) -> str | None:
    waiting = request.session.get(_SESSION_KEY)
    if not waiting or waiting["key"] != key_id:
        return None
    del request.session[_SESSION_KEY]
    try:
        return key_ring().decrypt(waiting["sealed"], ttl=_WAITS_S).decode()
    except InvalidToken:
        return None
