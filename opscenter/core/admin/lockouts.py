"""Failed sign-ins that still count, and the buttons that forget them."""

from typing import Any, ClassVar

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from opscenter.core.admin_base import Button, ReadOnlyModelAdmin, Said, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions
from opscenter.core.models import FailedSignIn, User
from opscenter.core.signin import lockouts

# Nobody looks at, or edits, sealed secrets; and there is no mail.
admin.site.unregister((Authenticator, EmailAddress))

_LIFTERS = ("core.change_user",)


@register(FailedSignIn)
class LockoutAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": ("core.view_user", "core.change_user", Permissions.CONFIGURE)}
    when_empty = "Failures that still count stand here, until they are forgiven or older than a lockout lasts."
    list_display = ("who", "ip_address", "wrong", "failures_since_start", "attempt_time", "locked")
    fields = ("who", "ip_address", "wrong", "failures_since_start", "attempt_time", "path_info", "locked")
    readonly_fields = fields
    buttons = (
        Button("forget-name", "Forget this name's failures", run="forget_name", needs=_LIFTERS),
        Button("forget-address", "Forget this address's failures", run="forget_address", needs=_LIFTERS),
    )
    list_buttons = (Button("forget-all", "Forget all failures", run="forget_all", needs=_LIFTERS),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        known = Exists(User.objects.filter(username=OuterRef("username")))
        rows: QuerySet[Any] = lockouts.marked().annotate(known=known).order_by("-attempt_time")
        return rows

    @display(description="User name")
    def who(self, attempt: Any) -> str:
        """A name that nobody has may be somebody's password, in the wrong field."""
        return str(attempt.username) if attempt.known else "(nobody's)"

    @display(description="What was wrong")
    def wrong(self, attempt: Any) -> str:
        return str(attempt.user_agent)

    @display(description="Locked out", boolean=True)
    def locked(self, attempt: Any) -> bool:
        return lockouts.locks(attempt)

    def forget_name(self, request: HttpRequest, attempt: Any) -> Said:
        return _forgotten(lockouts.counted().filter(username=attempt.username))

    def forget_address(self, request: HttpRequest, attempt: Any) -> Said:
        return _forgotten(lockouts.counted().filter(ip_address=attempt.ip_address))

    def forget_all(self, request: HttpRequest) -> Said:
        return _forgotten(lockouts.counted())


def _forgotten(attempts: QuerySet[Any]) -> Said:
    return Said(f"{lockouts.lift(attempts)} failed sign-ins are forgotten.")
