"""A wallet's entries, newest first, a page at a time: no page costs more because the wallet has a longer history.

A wallet's versions run 1..n without a gap and in the order of time. Pages, times and searches go by them. Entries of
its user's debt have none: they are few, and stand between the wallet's, under whose lock they were made, by their ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Subquery

from credits.models import Account, Entry, Journal

MOST_LOOKED_THROUGH = 5_000
_WITH_MODEL = (Journal.Kind.USAGE, Journal.Kind.ADJUSTMENT)
# Halves what may be it until one is left: some twenty look-ups in a million entries.
_FIRST_SINCE = """
WITH RECURSIVE narrowed(low, high) AS (
  SELECT CAST(1 AS BIGINT), CAST(%(end)s AS BIGINT)
  UNION ALL
  SELECT CASE WHEN j.created_at < %(moment)s THEN (n.low + n.high) / 2 + 1 ELSE n.low END,
    CASE WHEN j.created_at < %(moment)s THEN n.high ELSE (n.low + n.high) / 2 END
  FROM narrowed n
  JOIN llm_transactions e ON e.account_id = %(account_id)s AND e.version = (n.low + n.high) / 2
  JOIN credits_journals j ON j.id = e.journal_id
  WHERE n.low < n.high
)
SELECT low FROM narrowed WHERE low >= high
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries; `since` is the first moment that counts and `until` the first that doesn't."""

    kind: str = ""
    model: str = ""
    provider: str = ""
    request_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_search(self) -> bool:
        """Whether what is wanted may lie far apart, with no index to find it by."""
        return bool(self.model or self.provider or self.kind in _WITH_MODEL)


class Page(NamedTuple):
    """`before` is where the next page begins, None after the last. A search ends a page early once it has looked
    through MOST_LOOKED_THROUGH entries, so that one with few entries or none needn't be the last. Entries of the debt
    come on top of a page's size.
    """

    entries: list[Entry]
    before: int | None


def page(account: Account, wanted: Wanted, *, before: int | None, size: int) -> Page:
    """`account` as it was just read."""
    end, begin = account.entries_count + 1, 1
    if wanted.until:
        end = _first_since(account, wanted.until, end)
    if wanted.since:
        begin = _first_since(account, wanted.since, end)
    end = min(end, before or end)
    floor = max(begin, end - MOST_LOOKED_THROUGH) if wanted.is_search and not wanted.request_id else begin
    rows = Entry.objects.filter(account=account, version__gte=floor, version__lt=end, **_conditions(wanted))
    found = list(rows.select_related("journal").order_by("-version")[: size + 1])
    following = found[size - 1].version if len(found) > size else (floor if floor > begin else None)
    debts = [] if wanted.is_search or wanted.request_id else _of_debt(account, wanted, before, following)
    return Page(sorted([*found[:size], *debts], key=lambda entry: entry.pk, reverse=True), following)


def _of_debt(account: Account, wanted: Wanted, before: int | None, following: int | None) -> Iterator[Entry]:
    """From the entry with which the next page begins to that with which this one did."""
    bounds: dict[str, Any] = {
        "pk__lt": _id_of(account, before) if before else None,
        "pk__gt": _id_of(account, following) if following else None,
        "journal__kind": wanted.kind or None,
    }
    rows = Entry.objects.filter(account__code=f"debt:{account.user_id}").select_related("journal")
    for entry in rows.filter(**{name: value for name, value in bounds.items() if value}):
        moment = entry.journal.created_at
        if (not wanted.since or moment >= wanted.since) and (not wanted.until or moment < wanted.until):
            yield entry


def _id_of(account: Account, version: int) -> Subquery:
    return Subquery(Entry.objects.filter(account=account, version=version).values("pk"))


def _conditions(wanted: Wanted) -> dict[str, Any]:
    conditions: dict[str, Any] = {
        name: getattr(wanted, name) for name in ("model", "provider") if getattr(wanted, name)
    }
    if wanted.request_id:
        conditions["journal__in"] = Journal.objects.of_request(wanted.request_id)
    if wanted.kind:
        conditions["journal__kind"] = wanted.kind
        if wanted.kind not in _WITH_MODEL:
            # Has an index of its own, so that a purchase is found among a million calls.
            conditions.setdefault("model", "")
    return conditions


def _first_since(account: Account, moment: datetime, end: int) -> int:
    """The first version below `end` that isn't older than `moment`, or `end`."""
    parameters = {"account_id": account.pk, "moment": _as_stored(moment), "end": end}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_SINCE, parameters)
        ((version,),) = cursor.fetchall()
    return int(version)


def _as_stored(moment: datetime) -> Any:
    """SQLite compares text, and the book writes milliseconds: zeros behind them would make it later."""
    value = connection.ops.adapt_datetimefield_value(moment)
    return value.rstrip("0").rstrip(".") if isinstance(value, str) and "." in value else value
