"""Forgets the requests and attempts of old months. Their sums per day, their holds and the ledger stay.

A month goes as a whole, and only where its sums are those of its requests, and these what the ledger says: afterwards
nothing could be told any more of what is wrong.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Min, Model, Sum
from django.utils import timezone

from gateway.models import AttemptRow, PrunedMonth, RequestRow, UsageStat
from gateway.partitions import drop_partitions
from gateway.usage.check import Days, check
from gateway.usage.pruned import following
from opscenter.core.db import lock_table

log = logging.getLogger(__name__)

_AT_ONCE = 2_000


def prune() -> list[date]:
    """Forget every month that ended more than REQUEST_MONTHS_KEPT whole months ago; returns which. Idempotent.

    A month with a problem stays, and so does one whose tables are busy: the next run tries again.
    """
    return [month for month in _due() if _prune(month)]


def _due() -> Iterator[date]:
    """The months that have rows and are to be kept no longer, oldest first."""
    if not settings.REQUEST_MONTHS_KEPT:
        return
    kept_from = _months_before(timezone.now().date(), settings.REQUEST_MONTHS_KEPT)
    oldest = _oldest_since(date.min)
    while oldest and oldest < kept_from:
        month = oldest.replace(day=1)
        yield month
        oldest = _oldest_since(following(month))


def _oldest_since(day: date) -> date | None:
    """The day of the first request or attempt from that day on."""
    since = _midnight(day)
    found = [
        rows.objects.filter(created_at__gte=since).aggregate(oldest=Min("created_at"))["oldest"]
        for rows in (RequestRow, AttemptRow)
    ]
    return min((moment.astimezone(UTC).date() for moment in found if moment), default=None)


def _prune(month: date) -> bool:
    """Whether it is gone now. What a run that was broken off has left of a month is deleted by the next one."""
    if not PrunedMonth.objects.filter(month=month).exists():
        problem = _problem_of(month)
        if problem:
            log.error("the requests of %s are kept, for `check_usage` says: %s", f"{month:%Y-%m}", problem)
            return False
        try:
            _mark(month)
        except OperationalError as error:
            log.warning("the requests of %s are kept until the next run: %s", f"{month:%Y-%m}", error)
            return False
    for rows in (RequestRow, AttemptRow):
        _delete(rows, month)
    log.info("the requests of %s are no longer kept", f"{month:%Y-%m}")
    return True


def _problem_of(month: date) -> str | None:
    """The first; day by day, because a month may be many millions of requests."""
    day = month
    while day < following(month):
        for problem in check(Days(day, day)):
            return str(problem)
        day += timedelta(days=1)
    return None


def _mark(month: date) -> None:
    """From here on its requests needn't be all there; with their partitions they are gone at once."""
    with transaction.atomic():
        # Recorders write requests before sums, and so this waits for both in that order.
        drop_partitions(month)
        # As `check_usage --repair` does, which would sum up afresh what it finds of them.
        lock_table(UsageStat)
        sums = UsageStat.objects.filter(day__gte=month, day__lt=following(month))
        requests = sums.aggregate(n=Sum("requests"))["n"] or 0
        PrunedMonth.objects.get_or_create(month=month, defaults={"requests": requests})


def _delete(rows: type[Model], month: date) -> None:
    """What no partition held, some at a time: on SQLite, calls wait for whoever writes."""
    of_month = rows._default_manager.filter(
        created_at__gte=_midnight(month), created_at__lt=_midnight(following(month))
    )
    while ids := list(of_month.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE]):
        of_month.filter(pk__in=ids).delete()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _months_before(day: date, count: int) -> date:
    """The first day of the month so many months before the one of `day`."""
    months = day.year * 12 + day.month - 1 - count
    return date(max(months // 12, 1), months % 12 + 1, 1)
