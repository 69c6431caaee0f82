"""Whose usage is asked for: the caller's own, and by operators anybody's."""

from typing import cast

from rest_framework.request import Request

from credits.permissions import READS_MONEY
from opscenter.core.api import Permissions
from opscenter.core.errors import Forbidden, Unprocessable
from opscenter.core.models import User

EVERYBODY = "*"
"""No user can be called so."""
READS_SUMS = READS_MONEY
READS_REQUESTS = ("gateway.view_requestrow", Permissions.CONFIGURE)


def whose(request: Request, username: str | None, permissions: tuple[str, ...]) -> int | None:
    """The id of the user who was named, None for everybody, the caller's own without a name.

    Whoever has one of `permissions` may name others. Raises Forbidden, and Unprocessable where nobody is called so.
    """
    caller = cast(User, request.user)
    if username is None or username == caller.username:
        return caller.pk
    if not may_see_all(request, permissions):
        raise Forbidden("You may only see your own usage.")
    if username == EVERYBODY:
        return None
    user_id = User.objects.filter(username=username).values_list("pk", flat=True).first()
    if user_id is None:
        raise Unprocessable("There is no such user.", param="user")
    return user_id


def may_see_all(request: Request, permissions: tuple[str, ...]) -> bool:
    return any(request.user.has_perm(permission) for permission in permissions)
