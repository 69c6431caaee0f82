"""Failed sign-ins, which axes counts in the database, and the lockouts that too many of them bring.

Every lockout needs an address: the name alone is never locked, or any stranger could keep its owner out from
everywhere. Wrong codes are the exception, because only who knows the password gets as far as being asked for one.
Passwords that are being checked count as failures until it is known, or guesses sent at once would all be looked at.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.db.models import Max, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from opscenter.core import audit
from opscenter.core.db import lock_table
from opscenter.core.errors import TooManyRequests
from opscenter.core.models import FailedSignIn, PasswordCheck, User

PASSWORD = "password"  # noqa: S105 - names what was wrong
CODE = "code"
_IPV6_CUSTOMER_BITS = 64
_LONGEST_CHECK = timedelta(minutes=1)


class Handler(AxesDatabaseHandler):  # type: ignore[misc]  # axes ships no types
    """axes' own, with a limit for addresses and one for codes beside that for a name at an address.

    The column of the user agent says what was wrong instead: a client could choose an agent for every attempt.
    """

    def is_locked(self, request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> bool:
        return _seconds_left(request, credentials or {}) > 0

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        if request is None:
            return
        asked: Any = request
        asked.axes_user_agent = credentials.get("evidence", PASSWORD)
        was_locked = asked.axes_locked_out
        super().user_login_failed(sender, credentials, request, **kwargs)
        finish(request)
        if not was_locked and self.is_locked(request, credentials):
            asked.axes_locked_out, asked.axes_credentials = True, credentials
            _audit("lock_out", credentials.get("username"), asked.axes_ip_address)


def address_of(request: HttpRequest) -> str | None:
    """The peer, or the client that a proxy of FORWARDED_ALLOW_IPS named: the server has put it there.

    Of an IPv6 address the network, because a customer has all of it; None where there is no address.
    """
    try:
        address = ip_address(request.META.get("REMOTE_ADDR") or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, _IPV6_CUSTOMER_BITS), strict=False).network_address)
    return str(address)


@transaction.atomic
def begin(request: HttpRequest, *, username: str) -> bool:
    """Whether a password of `username` may be looked at; then finish() follows, be it right or wrong.

    Locks the table of checks for a moment: of any number of attempts no more pass than the limits allow.
    """
    asked: Any = request
    address, now = asked.axes_ip_address or "", timezone.now()
    lock_table(PasswordCheck)
    PasswordCheck.objects.filter(began_at__lt=now - _LONGEST_CHECK).delete()
    here = PasswordCheck.objects.filter(address=address)
    # Read before the failures: an attempt that fails meanwhile is in one of the two at least.
    of_address, of_pair = here.count(), here.filter(username=username).count()
    failed = counted().filter(ip_address=asked.axes_ip_address)
    fits: bool = (
        of_pair + _failures(failed.filter(username=username)) < settings.AXES_FAILURE_LIMIT
        and of_address + _failures(failed) < settings.AXES_ADDRESS_FAILURE_LIMIT
    )
    if fits:
        asked.password_check = PasswordCheck.objects.create(username=username, address=address, began_at=now)
    else:
        refuse_for_now(request, username=username)
    return fits


def refuse_for_now(request: HttpRequest, *, username: str) -> None:
    """Have `request` answered as one that is locked out, for as long as it is: a second, if it isn't."""
    finish(request)
    asked: Any = request
    asked.axes_locked_out, asked.axes_credentials = True, {"username": username}


def finish(request: HttpRequest) -> None:
    """What begin() had noted for `request`, if anything, is known now."""
    check: PasswordCheck | None = getattr(request, "password_check", None)
    if check is not None:
        del request.password_check  # type: ignore[attr-defined]
        check.delete()


def is_locked(request: HttpRequest, *, username: str) -> bool:
    """Whether codes of `username` are refused unseen; the answer to `request` says so then."""
    credentials = {"username": username, "evidence": CODE}
    if not AxesProxyHandler.is_locked(request, credentials):
        return False
    asked: Any = request
    asked.axes_locked_out, asked.axes_credentials = True, credentials
    return True


def count(request: HttpRequest, *, username: str, evidence: str) -> None:
    """Count a failed sign-in that authenticate() knows nothing of."""
    credentials = {"username": username, "evidence": evidence}
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)


def forgive(request: HttpRequest, *, username: str) -> None:
    """Forget what failed for this name at this address, where no session is opened that would have axes do it."""
    AxesProxyHandler.update_request(request)
    AxesProxyHandler.get_implementation().reset_user_attempts(request, {"username": username})


def counted() -> QuerySet[Any]:
    """What still counts."""
    rows: QuerySet[Any] = FailedSignIn.objects.filter(attempt_time__gt=timezone.now() - settings.AXES_COOLOFF_TIME)
    return rows


def uncounted() -> QuerySet[Any]:
    """What counts no more. Its names may be passwords, typed into the wrong field."""
    rows: QuerySet[Any] = FailedSignIn.objects.filter(attempt_time__lte=timezone.now() - settings.AXES_COOLOFF_TIME)
    return rows


def marked() -> QuerySet[Any]:
    """What still counts, each row with the sums that `locks` decides by."""
    rows: QuerySet[Any] = counted().annotate(
        of_pair=_sum_of("username", "ip_address"),
        of_address=_sum_of("ip_address"),
        of_codes=_sum_of("username", "user_agent"),
    )
    return rows


def locks(attempt: Any) -> bool:
    """Whether a row of `marked` is part of a lockout."""
    by_code = attempt.user_agent == CODE and (attempt.of_codes or 0) >= settings.AXES_CODE_FAILURE_LIMIT
    return bool(
        by_code
        or (attempt.of_pair or 0) >= settings.AXES_FAILURE_LIMIT
        or (attempt.of_address or 0) >= settings.AXES_ADDRESS_FAILURE_LIMIT
    )


@audit.writing()
def lift(attempts: QuerySet[Any]) -> int:
    """Delete `attempts`, and with them the lockouts that they amount to; returns how many sign-ins they counted."""
    rows = list(attempts.select_for_update())
    for username, address in sorted({(row.username or "", row.ip_address or "") for row in rows}):
        _audit("lift_lockout", username, address or None)
    FailedSignIn.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return sum(int(row.failures_since_start) for row in rows)


def answer(request: HttpRequest, original: Any = None, credentials: Any = None) -> HttpResponse:
    """What axes' middleware answers a request with that was, or just got, locked out."""
    given = getattr(request, "axes_credentials", None) or {}
    # None are left where others are still being checked.
    seconds = max(1, _seconds_left(request, given))
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    minutes = math.ceil(seconds / 60)
    if request.path.startswith("/api/"):
        error = TooManyRequests(
            f"Too many sign-ins failed. Try again in {minutes} minutes, or ask an operator to lift the lockout.",
            code="too_many_sign_ins",
            details={"retry_after_s": seconds},
        )
        return JsonResponse(error.body(), status=error.status, headers=headers)
    page = render(request, "account/locked_out.html", {"minutes": minutes}, status=429)
    for name, value in headers.items():
        page[name] = value
    return page


def _seconds_left(request: Any, credentials: Mapping[str, Any]) -> int:
    """Of the longest lockout that holds for these credentials from this address; 0 if none does."""
    username, address = credentials.get("username"), request.axes_ip_address
    recent = counted()
    held = [
        _left(recent.filter(username=username, ip_address=address), settings.AXES_FAILURE_LIMIT),
        _left(recent.filter(ip_address=address), settings.AXES_ADDRESS_FAILURE_LIMIT),
    ]
    if credentials.get("evidence") == CODE:
        held.append(_left(recent.filter(username=username, user_agent=CODE), settings.AXES_CODE_FAILURE_LIMIT))
    return max(held)


def _sum_of(*columns: str) -> Subquery:
    alike = counted().filter(**{column: OuterRef(column) for column in columns})
    return Subquery(alike.order_by().values(*columns).annotate(sum=Sum("failures_since_start")).values("sum"))


def _failures(attempts: QuerySet[Any]) -> int:
    found = attempts.order_by().aggregate(failures=Sum("failures_since_start"))
    return int(found["failures"] or 0)


def _left(attempts: QuerySet[Any], limit: int) -> int:
    found = attempts.order_by().aggregate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    if (found["failures"] or 0) < limit:
        return 0
    until: datetime = found["last"] + settings.AXES_COOLOFF_TIME
    return max(1, math.ceil((until - timezone.now()).total_seconds()))


def _audit(action: str, username: str | None, address: str | None) -> None:
    """Names that nobody has are left out: they are passwords in the wrong field, often enough."""
    user = User.objects.filter(username=username or "").first()
    audit.record(
        action=action,
        entity_type="users",
        entity_id=user.pk if user else "unknown",
        before={},
        after={"address": address or "unknown"},
    )
