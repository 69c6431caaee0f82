"""Tables that only grow: a migration operation whose triggers refuse UPDATE, DELETE and TRUNCATE.

A table that SQLite rebuilds in a later migration loses its triggers silently: run the operation again after such a
migration. The system check core.E001 looks at the live schema.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

TABLES: set[str] = set()
"""Every table that an AppendOnly operation names; filled by the apps' `append_only_tables`."""

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION opscenter_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def install(connection: BaseDatabaseWrapper, table: str) -> None:
    """Create the triggers of `table`, replacing them where they exist."""
    remove(connection, table)
    with connection.cursor() as cursor:
        for statement in _creations(connection.vendor, table):
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper, table: str) -> None:
    on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in trigger_names(connection.vendor, table):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def trigger_names(vendor: str, table: str) -> list[str]:
    kinds = ("update", "delete", "truncate") if vendor == "postgresql" else ("update", "delete")
    return [f"{table}_no_{kind}" for kind in kinds]


def missing(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Names of the triggers that `table` should have and has not."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        present = {row[0] for row in cursor.fetchall()}
    return [name for name in trigger_names(connection.vendor, table) if name not in present]


def _creations(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        levels = {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}
        return [_POSTGRES_FUNCTION] + [
            f"CREATE TRIGGER {table}_no_{kind} BEFORE {kind.upper()} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION opscenter_refuse_change()"
            for kind, level in levels.items()
        ]
    return [
        f"CREATE TRIGGER {table}_no_{kind} BEFORE {kind.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for kind in ("update", "delete")
    ]


class AppendOnly(Operation):
    """`AppendOnly("llm_config_audit")`: from here on that table only grows."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table
        TABLES.add(table)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        # A table made earlier in this migration may still have constraints pending on PostgreSQL.
        install(schema_editor.connection, self.table)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        remove(schema_editor.connection, self.table)

    def describe(self) -> str:
        return f"Refuse UPDATE, DELETE and TRUNCATE on {self.table}"

    def deconstruct(self) -> tuple[str, list[str], dict[str, Any]]:
        return (self.__class__.__name__, [self.table], {})
