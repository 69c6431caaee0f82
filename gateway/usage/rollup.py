"""Adds calls to the sums of their day: two statements per batch, inside the transaction that writes their rows.

Whoever writes a row of llm_requests counts it here, and whoever takes one away takes it off.
"""

from collections.abc import Iterable
from functools import cache
from operator import add, itemgetter
from typing import NamedTuple

import msgspec
from django.db import connection

from gateway.models import RequestRow, margin_stat
from gateway.models.usage_stat import DIMENSIONS, SUMS
from gateway.rows import RequestValues
from opscenter.core.json_rows import Rows

_Status = RequestRow.Status
FAILED = (_Status.FAILED.value, _Status.LOST.value)
REFUSED = _Status.REFUSED.value
BYOK = RequestRow.Basis.BYOK.value
_Sums = dict[tuple[object, ...], list[int]]
_KINDS = {"day": "date"} | dict.fromkeys(("account_id", "user_id", "virtual_key_id", *SUMS), "bigint")


class _Table(NamedTuple):
    name: str
    dimensions: tuple[str, ...]
    sums: tuple[str, ...]


_USAGE = _Table("llm_usage_stats", DIMENSIONS, SUMS)
_MARGIN = _Table("llm_margin_stats", margin_stat.DIMENSIONS, margin_stat.SUMS)
_of_margin = itemgetter(*map(DIMENSIONS.index, margin_stat.DIMENSIONS))


def count(rows: Iterable[RequestValues | RequestRow], *, gone: Iterable[RequestRow] = ()) -> None:
    """Add `rows`, which this transaction has inserted, and take off those that it has deleted.

    Locks the sums that it changes in the order of their keys, until the commit: so that batches of several workers
    wait for each other in one order only: those of usage first, then those of margins. Call it last.
    """
    sums: _Sums = {}
    for row in rows:
        _add(sums, row, 1)
    for row in gone:
        _add(sums, row, -1)
    if not sums:
        return
    _write(_USAGE, sums)
    _write(_MARGIN, _without_consumers(sums))


def _write(table: _Table, sums: _Sums) -> None:
    ordered = [(*key, *sums[key]) for key in sorted(sums)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, table), {"rows": msgspec.json.encode(ordered).decode()})


def _without_consumers(sums: _Sums) -> _Sums:
    found: _Sums = {}
    for key, values in sums.items():
        of = _of_margin(key)
        found[of] = list(map(add, found[of], values)) if of in found else values
    return found


def _add(sums: _Sums, row: RequestValues | RequestRow, sign: int) -> None:
    key = (
        row.created_at.date(),
        row.account_id or 0,
        row.user_id or 0,
        row.virtual_key_id or 0,
        row.tier,
        row.power_level,
        row.model,
        row.provider,
        row.component,
        row.environment,
    )
    found = sums.get(key)
    if found is None:
        found = sums[key] = [0] * len(SUMS)
    status = row.status
    found[0] += sign
    if status in FAILED:
        found[1] += sign
    elif status == REFUSED:
        found[2] += sign
    found[3] += sign * row.attempts
    found[4] += sign * row.prompt_tokens
    found[5] += sign * row.cached_tokens
    found[6] += sign * row.cache_write_tokens
    found[7] += sign * row.completion_tokens
    found[8] += sign * row.searches
    if row.billing_basis == BYOK:
        found[9] += sign
    found[10] += sign * row.charged_nano
    found[11] += sign * row.overrun_nano
    found[12] += sign * row.expense_nano
    found[13] += sign * row.cost_nano_usd
    found[14] += sign * row.duration_ms


@cache
def _statement(vendor: str, table: _Table) -> str:
    names = (*table.dimensions, *table.sums)
    columns = ", ".join(names)
    typed = ", ".join(f"{name} {_KINDS.get(name, 'text')}" for name in names)
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in table.sums)
    # Without WHERE, SQLite takes the ON of ON CONFLICT for a join's.
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {format(Rows(vendor), typed)} WHERE TRUE "
        f"ON CONFLICT ({', '.join(table.dimensions)}) DO UPDATE SET {sums}"
    )
