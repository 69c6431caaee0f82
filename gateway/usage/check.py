"""Whether the sums of llm_usage_stats are those of the requests, these say what the ledger says, and margins follow.

Safe while traffic runs: sums and requests change in one transaction, and what the ledger said in the last minutes is
left out, because a call's row follows its settle.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from credits.models import Hold
from gateway import lost
from gateway.models import margin_stat
from gateway.models.usage_stat import DIMENSIONS, SUMS
from gateway.usage import pruned, statements
from gateway.usage.moved import Moved
from opscenter.core.db import consistent_read

# A row may wait for the database, and what its worker doesn't write a task does every few minutes.
SETTLED_AFTER = timedelta(minutes=10)


class Days(NamedTuple):
    """From `first` to `last`, both included, in UTC. `settled_after`: so old must be what the ledger says, or the
    end of a hold, before a request is expected to say so, too.
    """

    first: date
    last: date
    settled_after: timedelta = SETTLED_AFTER

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def settled(self) -> datetime:
        return timezone.now() - self.settled_after

    def parameters(self) -> dict[str, Any]:
        moment = connection.ops.adapt_datetimefield_value
        return {
            "first": self.first,
            "last": self.last,
            "since": moment(self.since),
            "until": moment(self.until),
            "settled": moment(self.settled),
        }


class Contradiction(NamedTuple):
    """A request's row, and what the ledger moved for it."""

    request_id: UUID
    row: Moved
    ledger: Moved


class Problem(NamedTuple):
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} {self.text}"


def check(days: Days) -> list[Problem]:
    """Every problem of these days, as they are at one moment; none is how it should be.

    Days whose requests are no longer kept have nothing that the sums of usage could be compared with.
    """
    with consistent_read(connection):
        kept = [problem for days_kept in still_kept(days) for problem in _of_requests(days_kept)]
        return [*kept, *_margins(days)]


def still_kept(days: Days) -> list[Days]:
    """Of `days` those of months that were not pruned."""
    return [days._replace(first=first, last=last) for first, last in pruned.still_kept(days.first, days.last)]


def contradictions(days: Days) -> Iterator[Contradiction]:
    with connection.cursor() as cursor:
        cursor.execute(statements.contradicted(connection.vendor), days.parameters())
        for id, *amounts in cursor.fetchall():
            row, ledger = _moved(*amounts[:3]), _moved(*amounts[3:])
            yield Contradiction(id if isinstance(id, UUID) else UUID(id), row, ledger)


def unrecorded(days: Days, limit: int = 1000) -> list[Hold]:
    """Holds of calls that ended a while ago and left no row."""
    return lost.ended_without_row(since=days.since, until=days.until, ended_before=days.settled, limit=limit)


def _of_requests(days: Days) -> Iterator[Problem]:
    yield from _sums(days)
    yield from _requests(days)
    yield from _unrecorded(days)


def _moved(charged: Any, overrun: Any, expense: Any) -> Moved:
    """Sums come as decimals from PostgreSQL."""
    return Moved(int(charged), int(overrun), int(expense))


def _sums(days: Days) -> Iterator[Problem]:
    for where, by in _differences(statements.difference(connection.vendor), days, DIMENSIONS, SUMS):
        yield Problem("U1", f"{where}: the sums exceed the requests', {by}")


def _margins(days: Days) -> Iterator[Problem]:
    names = (margin_stat.DIMENSIONS, margin_stat.SUMS)
    for where, by in _differences(statements.margin_difference(), days, *names):
        yield Problem("U4", f"{where}: the margin's sums exceed the usage's, {by}")


def _differences(
    statement: str, days: Days, dimensions: Sequence[str], sums: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Where, and by what, in words."""
    with connection.cursor() as cursor:
        cursor.execute(statement, days.parameters())
        for row in cursor.fetchall():
            of, wrong = zip(dimensions, row, strict=False), zip(sums, row[len(dimensions) :], strict=True)
            yield (
                ", ".join(f"{name} {value}" for name, value in of if value not in ("", 0)),
                ", ".join(f"{name} by {value}" for name, value in wrong if value),
            )


def _requests(days: Days) -> Iterator[Problem]:
    for found in contradictions(days):
        sides = zip(("charged", "overrun", "expense"), found.row[:3], found.ledger[:3], strict=True)
        said = ", ".join(f"{name} {row}, by the ledger {ledger}" for name, row, ledger in sides if row != ledger)
        yield Problem("U2", f"request {found.request_id}: {said}")


def _unrecorded(days: Days) -> Iterator[Problem]:
    for hold in unrecorded(days):
        yield Problem("U3", f"hold {hold.pk}: ended at {hold.closed_at}, and no request was recorded")
