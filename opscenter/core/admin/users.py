"""Users: deactivated, never deleted. core.signals audits what is saved here."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from opscenter.core.admin_base.access import Access, DeclaredAccess, may
from opscenter.core.admin_base.audited import HistoryIsTheAuditLog
from opscenter.core.admin_base.buttons import Button, Buttons, Said
from opscenter.core.admin_base.unfolded import ModelAdmin, register
from opscenter.core.api import Permissions
from opscenter.core.models import LIMIT_FIELDS, User
from opscenter.core.signin import second_factor

if TYPE_CHECKING:
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    DjangoUserAdmin = UserAdmin[User]
else:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    DjangoUserAdmin = UserAdmin

_PERSON = ("Person", {"fields": ("first_name", "last_name", "email")})
_RIGHTS = ("is_active", "must_change_password", "is_staff", "is_superuser", "groups", "user_permissions")
_LIMITS = (
    "Limits",
    {"fields": (LIMIT_FIELDS,), "description": "Over all of their keys together. Empty: what their tier allows."},
)
_TIMES = ("Times", {"fields": ("last_login", "date_joined")})


@register(User)
class PeopleAdmin(DeclaredAccess, Buttons, HistoryIsTheAuditLog, DjangoUserAdmin, ModelAdmin):
    """Only a superuser hands out rights, and only a superuser changes who has any: nobody promotes themselves."""

    access: ClassVar[Access] = {
        "view": ("core.view_user", Permissions.CONFIGURE),
        "add": ("core.add_user",),
        "change": ("core.change_user",),
    }
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    list_filter_submit = False
    list_per_page = 50
    show_full_result_count = False
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        _PERSON,
        ("Rights", {"fields": _RIGHTS}),
        _LIMITS,
        _TIMES,
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    buttons = (
        Button(
            "remove-second-factor",
            "Remove the second factor …",
            run="remove_second_factor",
            needs=("core.change_user",),
            question="They will sign in by password alone. Make sure that it is they who lost it and ask for this.",
            shown=second_factor.is_enrolled,
            dangerous=True,
        ),
    )

    def remove_second_factor(self, request: HttpRequest, user: User) -> Said:
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        second_factor.remove(user)
        return Said(f"{user} signs in by password alone now.")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("username",)}), _PERSON, ("Rights", {"fields": _RIGHTS}), _LIMITS, _TIMES)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        times = ("last_login", "date_joined")
        return times if _is_superuser(request) else (*times, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who could set a password of somebody with rights, or take their second factor away, would have theirs."""
        return super().has_change_permission(request, obj) and (
            _is_superuser(request) or obj is None or not second_factor.has_rights(obj)
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, *self.access["add"]) and may(request, *self.access["change"])


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
