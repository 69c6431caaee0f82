"""How allauth behaves here: nobody signs up, what it stores of a second factor is sealed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.urls import reverse

from opscenter.core import secrets
from opscenter.core.models import User
from opscenter.core.signin import lockouts, second_factor


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return lockouts.address_of(request) or ""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("admin:index" if getattr(request.user, "is_staff", False) else "mfa_index")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor confirms by it: the password is what a stolen session may go with."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"] != "reauthenticate"] or methods


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # likewise
    def encrypt(self, text: str) -> str:
        return secrets.enclose(text, owner=_owner())

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.disclose(encrypted_text, owner=_owner())


def _owner() -> User:
    user = second_factor.owner() or getattr(context.request, "user", None)
    if not isinstance(user, User):
        raise secrets.SecretUnreadable("nobody is known whose second factor this would be")
    return user
