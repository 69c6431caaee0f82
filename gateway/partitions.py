"""Monthly partitions of the request tables on PostgreSQL; on SQLite they are ordinary tables.

A DEFAULT partition catches what no month does, so that no row is ever refused.
"""

import logging
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, ProgrammingError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.utils import timezone

log = logging.getLogger(__name__)

TABLES = ("llm_requests", "llm_attempts")


def make_partitions(*, using: str = "default", months_ahead: int = 2) -> list[str]:
    """Make this month's partitions and the next ones'; returns the names of those that were missing."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    made = []
    with connection.cursor() as cursor:
        for table in TABLES:
            for first, after in _months(timezone.now().date(), months_ahead + 1):
                name = f"{table}_{first:%Y_%m}"
                cursor.execute("SELECT to_regclass(%s)", [name])
                if cursor.fetchone()[0] is None and _make(connection, table, name, first, after):
                    made.append(name)
    return made


def drop_partitions(month: date, *, patience_s: int = 2) -> list[str]:
    """For inside a transaction: drop both tables' partitions of the month that begins so; returns their names.

    Nobody reads or writes the tables meanwhile, which takes no longer than it takes to delete their files. Waits
    `patience_s` for those who are at it, while others wait behind. Raises OperationalError where that is not enough.
    """
    connection = connections["default"]
    if connection.vendor != "postgresql":
        return []
    dropped = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience_s}s"])
        for table in TABLES:
            name = f"{table}_{month:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is not None:
                cursor.execute(f"DROP TABLE {name}")
                dropped.append(name)
    return dropped


def _make(connection: BaseDatabaseWrapper, table: str, name: str, first: date, after: date) -> bool:
    """False where the DEFAULT partition holds rows of that month already, or another process was quicker."""
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)", [first, after])
    except (IntegrityError, ProgrammingError) as error:
        log.warning("partition %s was not made, its rows go to the default one: %s", name, error)
        return False
    return True


def _months(today: date, count: int) -> list[tuple[date, date]]:
    """`count` months from today's on, each as (its first day, the next one's first day)."""
    months = []
    first = today.replace(day=1)
    for _ in range(count):
        after = (first + timedelta(days=32)).replace(day=1)
        months.append((first, after))
        first = after
    return months


class PartitionByMonth(Operation):
    """Turn a table that the same migration just made, still empty, into one partitioned by `created_at`.

    Run it before the table's indexes are added: they are then made on every partition.
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models' state does not know about partitions."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        table = self.table
        schema_editor.execute(f"ALTER TABLE {table} RENAME TO {table}_unpartitioned")
        schema_editor.execute(
            f"CREATE TABLE {table} (LIKE {table}_unpartitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS) "
            "PARTITION BY RANGE (created_at)"
        )
        schema_editor.execute(f"DROP TABLE {table}_unpartitioned")
        schema_editor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (created_at, id)")
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """The table's own removal removes its partitions."""

    def describe(self) -> str:
        return f"Partition {self.table} by month on PostgreSQL"

    def deconstruct(self) -> tuple[str, list[str], dict[str, Any]]:
        return (self.__class__.__name__, [self.table], {})
