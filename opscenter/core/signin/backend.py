"""Checks passwords: of a name at an address no more at once than may still turn out wrong."""

from typing import Any

from axes.backends import AxesBackend
from axes.exceptions import AxesBackendPermissionDenied
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from opscenter.core.signin import lockouts


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
        user = ModelBackend.authenticate(self, request, username=username, password=password, **kwargs)
        if user is not None:
            # A wrong one is let go of when it has been counted, of which a signal tells.
            lockouts.finish(request)
        return user
