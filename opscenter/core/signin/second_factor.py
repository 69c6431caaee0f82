"""The second factor: codes of an authenticator app, and recovery codes. allauth keeps them; this decides by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from opscenter.core.api import Permissions
from opscenter.core.errors import Forbidden
from opscenter.core.models import User
from opscenter.core.signin import lockouts

_MANAGING = tuple(
    permission.removeprefix("llm.")
    for permission in (Permissions.CONFIGURE, Permissions.MANAGE_PROVIDERS, Permissions.MANAGE_MODELS)
)


class Owed(NamedTuple):
    """What a session has to do before anything else: `page` is the name of a route."""

    page: str
    why: str

    def refusal(self) -> Forbidden:
        return Forbidden(f"{self.why} The page is {reverse(self.page)}.", code="second_factor_required")


_owner: ContextVar[User | None] = ContextVar("second_factor_owner", default=None)


@contextmanager
def belonging_to(user: User) -> Iterator[None]:
    """What is sealed or opened inside is `user`'s, who need not have signed in yet."""
    token = _owner.set(user)
    try:
        yield
    finally:
        _owner.reset(token)


def owner() -> User | None:
    return _owner.get()


def is_enrolled(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def is_demanded_of(user: User) -> bool:
    """Whether `user` has to have one: STAFF_MFA_REQUIRED is on, and they have rights."""
    return settings.STAFF_MFA_REQUIRED and has_rights(user)


def has_rights(user: User) -> bool:
    """Whether `user` gets into the admin or may configure, or did until they were deactivated."""
    if user.is_staff or user.is_superuser:
        return True
    theirs = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return theirs.filter(content_type__app_label="llm", codename__in=_MANAGING).exists()


def lacks(user: User) -> bool:
    """Whether `user` has to enrol before anything else."""
    return is_demanded_of(user) and not is_enrolled(user)


def was_given(request: HttpRequest, user: User) -> bool | None:
    """Whether this session gave the factor that `user` has now; None where there is none to give."""
    rows = dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))
    if Authenticator.Type.TOTP not in rows.values():
        return None
    records = get_authentication_records(request, user)
    return any(record["method"] == "mfa" and record.get("id") in rows for record in records)


def owed(request: HttpRequest, user: User) -> Owed | None:
    """Who has a second factor gives it in every session, also in one opened before; staff may have to enrol first."""
    given = was_given(request, user)
    if given is False:
        return Owed("mfa_reauthenticate", "Confirm this session by a code of your authenticator app.")
    if given is None and is_demanded_of(user):
        return Owed("mfa_activate_totp", "Staff need a second factor: set one up first.")
    return None


@transaction.atomic
def accept(request: HttpRequest, *, user: User, code: str) -> Any:
    """The Authenticator whose code this is, which is spent by it; None if it is wrong, spent, or refused unseen.

    A wrong one counts as a failed sign-in. Attempts of one user wait for one another, on the factor's row.
    """
    rows = list(Authenticator.objects.select_for_update().filter(user=user).order_by("pk"))
    if lockouts.is_locked(request, username=user.username):
        return None
    with belonging_to(user):
        for row in rows:
            if _spend(row, code):
                return row
    lockouts.count(request, username=user.username, evidence=lockouts.CODE)
    return None


def counter_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """The time step that `code` is of, if it is later than `after` and near enough to now."""
    counter: int
    for counter in yield_hotp_counters_from_time():
        if counter > after and compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


def enrolled(request: HttpRequest, *, user: User, counter: int) -> None:
    """The code of time step `counter` proved a new app: it is spent, and this session has given the factor."""
    row = Authenticator.objects.select_for_update().get(user=user, type=Authenticator.Type.TOTP)
    _remember(row, counter)
    record_authentication(request, user, "mfa", id=row.pk, type=row.type)


@transaction.atomic
def remove(user: User) -> bool:
    """Take the second factor of `user` away, who has lost it; whether there was one. core.signals audits it."""
    rows = list(Authenticator.objects.select_for_update().filter(user=user))
    for row in rows:
        row.delete()
    return bool(rows)


def _spend(row: Any, code: str) -> bool:
    if row.type == Authenticator.Type.RECOVERY_CODES:
        return bool(row.wrap().validate_code(code))
    counter = counter_of(decrypt(row.data["secret"]), code, after=row.data.get("counter", -1))
    if counter is None:
        return False
    _remember(row, counter)
    return True


def _remember(row: Any, counter: int) -> None:
    row.data["counter"] = counter
    row.save(update_fields=["data"])
