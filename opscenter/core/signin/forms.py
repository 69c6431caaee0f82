"""allauth's forms, with our own eyes on codes and passwords."""

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django import forms

from opscenter.core import secrets
from opscenter.core.signin import second_factor

_SEALED = "second_factor_to_enrol"


class SignIn(LoginForm):  # type: ignore[misc]  # allauth ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class ChangePassword(ChangePasswordForm):  # type: ignore[misc]  # likewise
    def clean_oldpassword(self) -> str:
        """As in a sign-in, so that guesses are counted."""
        given: str = self.cleaned_data["oldpassword"]
        if not get_account_adapter().reauthenticate(self.user, given):
            raise get_account_adapter().validation_error("enter_current_password")
        return given


class _OneCode:
    """Codes are spent by opscenter.core.signin.second_factor, in the database and once."""

    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]
    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric", "maxlength": 20}

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        self.authenticator = second_factor.accept(context.request, user=self.user, code=code)
        if self.authenticator is None:
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator.user = self.user
        return code


class Code(_OneCode, AuthenticateForm):  # type: ignore[misc]  # likewise
    pass


class ConfirmingCode(_OneCode, ReauthenticateForm):  # type: ignore[misc]  # likewise
    pass


class Enrol(ActivateTOTPForm):  # type: ignore[misc]  # likewise
    """The secret waits sealed in the session until a first code proves that an app has it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        super(ActivateTOTPForm, self).__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric", "maxlength": 20}
        self.secret = self._waiting() if self.is_bound else self._fresh()
        self.counter: int | None = None

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        self.counter = second_factor.counter_of(self.secret, code)
        if self.counter is None:
            raise get_adapter().validation_error("incorrect_code")
        del context.request.session[_SEALED]
        return code

    def _waiting(self) -> str:
        sealed = context.request.session.get(_SEALED)
        try:
            return secrets.disclose(sealed, owner=self.user) if sealed else self._fresh()
        except secrets.SecretUnreadable:
            # The key that sealed it has left the ring meanwhile.
            return self._fresh()

    def _fresh(self) -> str:
        secret: str = generate_totp_secret()
        context.request.session[_SEALED] = secrets.enclose(secret, owner=self.user)
        return secret
