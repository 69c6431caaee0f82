"""A person at the pages of signing in, and the authenticator app in their hand."""

import json
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from opscenter.core.models import User

LOGIN = "/accounts/login/"
ENROL = "/accounts/2fa/totp/activate/"
FACTOR = "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/reauthenticate/"
PASSWORD = "correct horse battery staple"  # of nobody outside the tests


class App:
    """Every code is of a later time step than the last, as far as the clocks' tolerance goes."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._last = int(time.time()) // 30 - 2

    def code(self) -> str:
        self._last += 1
        return str(format_hotp_value(hotp_value(self.secret, self._last)))


class Browser:
    def __init__(self, address: str = "192.0.2.1") -> None:
        self.client = Client(REMOTE_ADDR=address)

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, fields)

    def sign_in(self, username: str, password: str = PASSWORD) -> Any:
        return self.post(LOGIN, login=username, password=password)

    def token(self, username: str, password: str = PASSWORD, **more: str) -> Any:
        body = json.dumps({"username": username, "password": password, **more})
        return self.client.post("/api/v1/auth/login", body, content_type="application/json")

    def enrol(self) -> App:
        """Set up a second factor, signed in by password."""
        self.post("/accounts/reauthenticate/", password=PASSWORD)
        app = App(self.get(ENROL).context["form"].secret)
        assert self.post(ENROL, code=app.code()).headers["Location"] == "/accounts/2fa/recovery-codes/"
        return app


def enrolled(user: User) -> App:
    """The app of `user`, who has just set it up."""
    browser = Browser("198.51.100.9")
    assert browser.sign_in(user.username).status_code == 302
    return browser.enrol()


def recovery_code(browser: Browser) -> str:
    return str(browser.get("/accounts/2fa/recovery-codes/").context["unused_codes"][0])


def stored(user: User) -> str:
    return json.dumps(list(Authenticator.objects.filter(user=user).values_list("data", flat=True)))
