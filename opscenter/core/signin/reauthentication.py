"""Entering the password once more, for what even an open session should not show: it counts for some minutes.

A session remembers it itself; of a bearer token the row does, in its column `reauthenticated_at`.
"""

import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request

from opscenter.core.errors import Forbidden

_MARK = "reauthenticated"


class ReauthenticationRequired(Forbidden):
    default_code = "reauthentication_required"

    def __init__(self) -> None:
        minutes = settings.REAUTHENTICATION_S // 60
        super().__init__(
            f"Enter your password again first: POST /api/v1/auth/reauthenticate. It counts for {minutes} minutes."
        )


def mark_session(request: Request) -> None:
    """The user of this session has just entered their password."""
    request._request.session[_MARK] = {"user": request.user.pk, "at": time.time()}


def demand(request: Request) -> None:
    """Raises ReauthenticationRequired unless the password was entered again for this very session or token."""
    if not (_recent_by_token(request) if request.auth is not None else _recent_in_session(request)):
        raise ReauthenticationRequired


def _recent_by_token(request: Request) -> bool:
    at = getattr(request.auth, "reauthenticated_at", None)
    return at is not None and at > timezone.now() - timedelta(seconds=settings.REAUTHENTICATION_S)


def _recent_in_session(request: Request) -> bool:
    mark = request._request.session.get(_MARK) or {}
    recent: bool = mark.get("user") == request.user.pk and mark["at"] > time.time() - settings.REAUTHENTICATION_S
    return recent
