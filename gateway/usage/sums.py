"""What calls came to, by groups, from the sums of each day: no request is read, however many there are.

Of everybody, and not by user or key, from those without consumers, whose number doesn't grow with them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db.models import Model, Q, QuerySet, Sum

from gateway.models import MarginStat, UsageStat

GROUPS = {
    "day": "day",
    "model": "model",
    "provider": "provider",
    "component": "component",
    "environment": "environment",
    "key": "virtual_key_id",
    "tier": "tier",
    "power_level": "power_level",
    "user": "user_id",
}
"""What they are asked for by, and their columns."""
_OF_CONSUMERS = {"virtual_key_id", "user_id"}
FILTERS = tuple(name for name in GROUPS if name not in ("day", "user"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """`of` are the group's values, in the order asked for; an id of 0 stands for none. `failed`, `refused` and
    `own_key_requests` are among `requests`; `cached_tokens` and `cache_write_tokens` among `prompt_tokens`. Of
    durations this is the sum.
    """

    of: tuple[Any, ...]
    requests: int
    failed: int
    refused: int
    attempts: int
    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    completion_tokens: int
    searches: int
    own_key_requests: int
    charged_nano: int
    duration_ms: int


_SUMS = tuple(field.name for field in fields(Sums) if field.name != "of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The days from `first` to `last`, of one user or (None) of all, and of what `only` names: {"model": "m1"}."""

    first: date
    last: date
    user_id: int | None
    only: Mapping[str, Any]

    def rows(self, columns: Collection[str] = ()) -> QuerySet[Any]:
        """What is summed up by `columns`."""
        only = {GROUPS[name]: value for name, value in self.only.items()}
        if self.user_id is not None:
            only["user_id"] = self.user_id
        of_consumers = not _OF_CONSUMERS.isdisjoint((*columns, *only))
        table: type[Model] = UsageStat if of_consumers else MarginStat
        return table._default_manager.filter(day__gte=self.first, day__lte=self.last, **only).order_by()


def groups(wanted: Wanted, group_by: Sequence[str], *, after: Sequence[Any] | None, most: int) -> list[Sums]:
    """At most `most` groups in ascending order, from the one after `after`, which is an `of`. One query."""
    columns = [GROUPS[name] for name in group_by]
    rows = wanted.rows(columns)
    if after is not None:
        rows = rows.filter(_behind(columns, after))
    summed = rows.values(*columns).annotate(**_totals()).filter(n_requests__gt=0).order_by(*columns)
    return [_sums(row, columns) for row in summed[:most]]


def every_group(wanted: Wanted, group_by: Sequence[str], *, at_once: int) -> Iterator[list[Sums]]:
    """All groups in that order, so many at a time: one query each."""
    found = groups(wanted, group_by, after=None, most=at_once)
    while found:
        yield found
        found = groups(wanted, group_by, after=found[-1].of, most=at_once) if len(found) == at_once else []


def total(wanted: Wanted) -> Sums:
    """Of all groups. One query."""
    return _sums(wanted.rows().aggregate(**_totals()), ())


def together(found: Iterable[Sums]) -> Sums:
    """The sum of groups, where all of them are at hand."""
    found = list(found)
    return Sums(of=(), **{name: sum(getattr(group, name) for group in found) for name in _SUMS})


def _behind(columns: Sequence[str], after: Sequence[Any]) -> Q:
    """Of rows that come after those whose columns are `after`: by the first column that differs."""
    first, value = columns[0], after[0]
    if len(columns) == 1:
        return Q(**{f"{first}__gt": value})
    # Said of the first column alone as well: by it an index is read from there on.
    return Q(**{f"{first}__gte": value}) & (
        Q(**{f"{first}__gt": value}) | (Q(**{first: value}) & _behind(columns[1:], after[1:]))
    )


def _totals() -> dict[str, Any]:
    return {f"n_{name}": Sum(name) for name in _SUMS}


def _sums(row: Mapping[str, Any], columns: Sequence[str]) -> Sums:
    """PostgreSQL sums bigint up to decimals."""
    return Sums(of=tuple(row[column] for column in columns), **{name: int(row[f"n_{name}"] or 0) for name in _SUMS})
