"""What many tests begin with: made by the services once in a process, its rows put in as they were from then on."""

from collections.abc import Callable, Hashable
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from django.db import connection

T = TypeVar("T")
State = tuple[str, int]
Rows = dict[str, list[str]]


class _Kept(NamedTuple):
    statements: str
    made: Any


_kept: dict[tuple[Hashable, State], _Kept] = {}
_known: set[State] = set()


def replayed(name: Hashable, make: Callable[[], T]) -> T:
    """What `make` returns, which it is asked for once of each name and history: what was made and replayed before.

    Where anything else was audited before, and on SQLite, it is asked each time.
    """
    if connection.vendor != "postgresql" or (before := _state()) not in _known:
        return make()
    if (kept := _kept.get((name, before))) is None:
        return _make_and_keep((name, before), make)
    with connection.cursor() as cursor:
        cursor.execute(kept.statements)
    made: T = deepcopy(kept.made)
    return made


def begin() -> None:
    """From the database as it is: whoever tests returns to that."""
    _known.add(_state())


def _make_and_keep(key: tuple[Hashable, State], make: Callable[[], T]) -> T:
    before = _rows()
    made = make()
    _kept[key] = _Kept(_between(before, _rows()), deepcopy(made))
    _known.add(_state())
    return made


def _state() -> State:
    """The audit log's chain, which covers all that happened, and the version of the configuration."""
    from opscenter.core.models import AuditHead, ConfigVersion

    return AuditHead.objects.get().entry_hash, ConfigVersion.objects.get().version


def _rows() -> Rows:
    """Of every table, as PostgreSQL writes them."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    parts = (f"SELECT '{table}', ARRAY_AGG(t::text) FROM {_quoted(table)} t" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {table: rows or [] for table, rows in cursor.fetchall()}


def _between(before: Rows, after: Rows) -> str:
    """What makes the ones of the others; no trigger fires, all of them have once."""
    statements = ["SET session_replication_role = replica"]
    with connection.cursor() as cursor:
        for table, rows in after.items():
            gone, new = _missing(before[table], rows), _missing(rows, before[table])
            name = _quoted(table)
            if gone:
                statements.append(cursor.mogrify(f"DELETE FROM {name} t WHERE t::text = ANY(%s)", [gone]))
            if new:
                insert = f"INSERT INTO {name} SELECT (r::{name}).* FROM UNNEST(%s::text[]) r"
                statements.append(cursor.mogrify(insert, [new]))
    return ";\n".join([*statements, "SET session_replication_role = DEFAULT"])


def _missing(rows: list[str], among: list[str]) -> list[str]:
    present = set(among)
    return [row for row in rows if row not in present]


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
