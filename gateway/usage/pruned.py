"""Which requests are no longer kept: asked by whoever would otherwise take them for lost."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from gateway.models import PrunedMonth
from gateway.usage.listed import is_cursor


def month_of(request_id: UUID) -> date | None:
    """The month of a request that is no longer kept, None of any other."""
    if not is_cursor(request_id):
        return None
    month = datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC).date().replace(day=1)
    return month if PrunedMonth.objects.filter(month=month).exists() else None


def any_between(first: date, last: date) -> date | None:
    """The latest month that was pruned and has one of these days."""
    months = PrunedMonth.objects.filter(month__gte=first.replace(day=1), month__lte=last)
    return months.order_by("-month").values_list("month", flat=True).first()


def still_kept(first: date, last: date) -> list[tuple[date, date]]:
    """The days from `first` to `last` without those of pruned months: as (first, last) of each stretch. One query."""
    months = PrunedMonth.objects.filter(month__gte=first.replace(day=1), month__lte=last)
    return list(_between(first, last, sorted(months.values_list("month", flat=True))))


def _between(first: date, last: date, months: list[date]) -> Iterator[tuple[date, date]]:
    for month in months:
        if first < month:
            yield first, month - timedelta(days=1)
        first = max(first, following(month))
    if first <= last:
        yield first, last


def following(month: date) -> date:
    """The first day of the month after the one that begins so."""
    return (month + timedelta(days=32)).replace(day=1)
