"""Requests, newest first, a page at a time: no page costs more because there are more of them.

They are found by their user, key or time, which have indexes with the time; what else is wanted is looked for among
so many of them. A UUIDv7 begins with its time, which is also `created_at`: so ids are in the order of times.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from gateway.models import RequestRow
from gateway.records import time_of

MOST_LOOKED_THROUGH = 5_000
FILTERS = ("model", "provider", "component", "environment", "tier", "power_level", "operation", "status")
_LATEST_MS = 253_402_300_799_999  # of the year 9999, after which a datetime has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests; `since` is the first moment that counts and `until` the first that doesn't. `user_id` None is
    everybody; `only` is {"model": "m1"}, by FILTERS.
    """

    user_id: int | None
    key_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    only: Mapping[str, Any] = field(default_factory=dict)

    def by_index(self) -> QuerySet[RequestRow]:
        """Without what is only looked for."""
        found = {
            "user_id": self.user_id,
            "virtual_key_id": self.key_id,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
        }
        return RequestRow.objects.filter(**{name: value for name, value in found.items() if value is not None})


class Page(NamedTuple):
    """`before` is where the next page begins, None after the last. A search ends a page early once it has looked
    through MOST_LOOKED_THROUGH requests, so that one with few or none needn't be the last.
    """

    rows: list[RequestRow]
    before: UUID | None


def page(wanted: Wanted, *, before: UUID | None, size: int) -> Page:
    """Two queries at most."""
    rows = wanted.by_index().order_by("-created_at", "-pk")
    if before is not None:
        rows = rows.filter(created_at__lte=time_of(before), pk__lt=before)
    floor = None
    if wanted.only:
        floor = _looked_through(rows)
        if floor is not None:
            rows = rows.filter(created_at__gte=time_of(floor), pk__gte=floor)
    found = list(rows.filter(**wanted.only)[: size + 1])
    return Page(found[:size], found[size - 1].pk if len(found) > size else floor)


def batches(wanted: Wanted, *, at_once: int) -> Iterator[list[RequestRow]]:
    """All of them, oldest first, so many at a time, or none where a search found none among those it looked through:
    what is asked for takes long, no query does.
    """
    rows = wanted.by_index().order_by("created_at", "pk")
    after: UUID | None = None
    while True:
        left = rows if after is None else rows.filter(created_at__gte=time_of(after), pk__gt=after)
        ceiling = _looked_through(left) if wanted.only else None
        if ceiling is not None:
            left = left.filter(created_at__lte=time_of(ceiling), pk__lte=ceiling)
        found = list(left.filter(**wanted.only)[:at_once])
        yield found
        after = found[-1].pk if len(found) == at_once else ceiling
        if after is None:
            return


def _looked_through(rows: QuerySet[RequestRow]) -> UUID | None:
    """The last that one query looks at; None where it may look at all."""
    return rows.values_list("pk", flat=True)[MOST_LOOKED_THROUGH - 1 : MOST_LOOKED_THROUGH].first()


def is_cursor(id: UUID) -> bool:
    """Whether it has a time."""
    return id.version == 7 and id.int >> 80 <= _LATEST_MS
