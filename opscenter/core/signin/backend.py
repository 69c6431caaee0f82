"""Checks passwords: of a name at an address no more at once than may still turn out wrong, and one at a time in all.

Each takes a processor half a second. Whoever waits holds no connection of the pool, which everybody else needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from axes.backends import AxesBackend
from axes.exceptions import AxesBackendPermissionDenied
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection
from django.http import HttpRequest

from opscenter.core.signin import lockouts

_turn = BoundedSemaphore()
_LONGEST_WAIT_S = 10


class Backend(AxesBackend):  # type: ignore[misc]  # axes ships no types
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        """Raises PermissionDenied, and looks at no password, where name or address are locked out, or would be if all
        that is being checked turned out wrong: guesses that come together get no further than one after the other.
        """
        super().authenticate(request, username=username, password=password, **kwargs)
        assert request is not None  # or axes had raised
        if not lockouts.begin(request, username=username or ""):
            raise AxesBackendPermissionDenied("as much is being checked as may fail")
        with _in_turn(request, username or ""):
            user = ModelBackend.authenticate(self, request, username=username, password=password, **kwargs)
        if user is not None:
            # A wrong one is let go of when it has been counted, of which a signal tells.
            lockouts.finish(request)
        return user


@contextmanager
def _in_turn(request: HttpRequest, username: str) -> Iterator[None]:
    if not connection.in_atomic_block:
        connection.close()
    if not _turn.acquire(timeout=_LONGEST_WAIT_S):
        lockouts.refuse_for_now(request, username=username)
        raise AxesBackendPermissionDenied("too many passwords are waiting to be checked")
    try:
        yield
    finally:
        _turn.release()
