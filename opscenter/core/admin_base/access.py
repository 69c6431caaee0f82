"""Who may see and change what in the admin, declared beside each page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest

from opscenter.core.models import User

Access = Mapping[str, tuple[str, ...]]


class DeclaredAccess:
    """`access = {"view": ("llm.read", ...), "add": ..., "change": ..., "delete": ...}`: any one permission suffices.

    A kind that is not declared is nobody's, superusers included. Who may change may view. Who may "pick" finds its rows
    in the fields of other pages, and opens none.
    """

    access: ClassVar[Access] = {}

    def allows(self, request: HttpRequest, kind: str) -> bool:
        return may(request, *self.access.get(kind, ()))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if self.allows(request, "view") or self.allows(request, "change"):
            return True
        match = request.resolver_match
        return match is not None and match.url_name == "autocomplete" and self.allows(request, "pick")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "delete")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """An app shows in the index for whoever may see one of its pages."""
        return self.has_view_permission(request)


def may(request: HttpRequest, *permissions: str) -> bool:
    """Whether the signed-in user holds any of `permissions`."""
    user = request.user
    return isinstance(user, User) and any(user.has_perm(permission) for permission in permissions)


def everything(*permissions: str) -> Access:
    """View, add, change and delete for whoever holds any of `permissions`."""
    return dict.fromkeys(("view", "add", "change", "delete"), permissions)
