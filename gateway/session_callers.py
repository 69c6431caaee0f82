"""Who calls without a key, from a page of this site: whoever signed in there, by a key of theirs that nobody is shown.

The session is looked at on each such call, on a thread of its own, so that it ends with signing out and deactivation.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck

from gateway.errors import ForgedCall, GatewayNotReady, NotAuthenticated, TooManyUnknownKeys
from gateway.services import session_keys
from opscenter.core.audit import acting_as
from opscenter.core.models import User
from opscenter.core.sessions import SessionStore
from opscenter.core.signin import second_factor

log = logging.getLogger(__name__)

MOST_WAITING = 100
_OF_THE_BODY = (b"content-type", b"content-length")


def names_session(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether there may be the cookie of a session."""
    wanted = settings.SESSION_COOKIE_NAME.encode()
    return any(name == b"cookie" and wanted in value for name, value in headers)


class SessionCallers:
    """One per process; the thread begins with the first call by a session."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sessions")
        self._waiting = 0

    async def secret_hash(self, scope: Mapping[str, Any]) -> str:
        """The hash of the key by which the session of this call acts.

        Raises NotAuthenticated (401), ForgedCall and Forbidden (403), TooManyUnknownKeys (429), GatewayNotReady (503).
        """
        request = _request_of(scope)
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            raise NotAuthenticated()
        if self._waiting >= MOST_WAITING:
            raise TooManyUnknownKeys()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _secret_hash, request)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        self._thread.shutdown()


def _request_of(scope: Mapping[str, Any]) -> ASGIRequest:
    headers = [(name, value) for name, value in scope["headers"] if name not in _OF_THE_BODY]
    try:
        return ASGIRequest({**scope, "headers": headers}, BytesIO())
    except UnicodeDecodeError as error:
        raise NotAuthenticated() from error


def _refuse_forged(request: ASGIRequest) -> None:
    """Whatever site a browser is at, it sends the cookie along: what asks for something proves that it is ours."""
    check = CSRFCheck(_no_answer)
    check.process_request(request)
    if reason := check.process_view(request, _no_answer, (), {}):
        raise ForgedCall(str(reason))


def _no_answer(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the check answers by a reason")


def _secret_hash(request: ASGIRequest) -> str:
    try:
        return _key_of(request)
    except Error as error:
        log.exception("a session could not be read")
        raise GatewayNotReady(
            "The gateway can't reach its database. Try again in a few seconds.", headers={"Retry-After": "2"}
        ) from error
    finally:
        connection.close()


def _key_of(request: ASGIRequest) -> str:
    request.session = SessionStore(request.COOKIES[settings.SESSION_COOKIE_NAME])
    request.user = user = get_user(request)
    if not isinstance(user, User):
        raise NotAuthenticated("This session has ended: sign in again, or send an API key.")
    _refuse_forged(request)
    if owed := second_factor.owed(request, user):
        raise owed.refusal()
    with acting_as(request):
        return session_keys.of(user).secret_hash
