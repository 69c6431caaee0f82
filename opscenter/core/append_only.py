"""Tables that only grow: a migration operation whose triggers refuse UPDATE, DELETE, TRUNCATE and REPLACE.

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

_POSTGRES_BODY = """
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END """
_POSTGRES_FUNCTION = (
    f"CREATE OR REPLACE FUNCTION opscenter_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $${_POSTGRES_BODY}$$"
)
_POSTGRES_LEVELS = {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}
_POSTGRES_TYPES = {"update": 19, "delete": 11, "truncate": 34}
"""pg_trigger.tgtype: 1 for each row, 2 before, 8 DELETE, 16 UPDATE, 32 TRUNCATE."""


def install(connection: BaseDatabaseWrapper, table: str) -> None:
    """Create the triggers of `table`, replacing them where they exist."""
    remove(connection, table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
        for statement in _creations(connection, table).values():
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper, table: str) -> None:
    on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _creations(connection, table):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def missing(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Names of the triggers that `table` should have and has not, or that would let something pass."""
    intact = _intact_on_postgres if connection.vendor == "postgresql" else _intact_on_sqlite
    found = intact(connection, table)
    return [name for name in _creations(connection, table) if name not in found]


def _intact_on_postgres(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    query = """
        SELECT tgname, tgtype FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')
          AND tgqual IS NULL AND tgattr::text = '' AND prosrc = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [table, _POSTGRES_BODY])
        types = {f"{table}_no_{kind}": code for kind, code in _POSTGRES_TYPES.items()}
        return {name for name, code in cursor.fetchall() if types.get(name) == code}


def _intact_on_sqlite(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    wanted = _creations(connection, table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        return {name for name, statement in cursor.fetchall() if wanted.get(name) == statement}


def _creations(connection: BaseDatabaseWrapper, table: str) -> dict[str, str]:
    """By the triggers' names."""
    if connection.vendor == "postgresql":
        return {
            f"{table}_no_{kind}": f"CREATE TRIGGER {table}_no_{kind} BEFORE {kind.upper()} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION opscenter_refuse_change()"
            for kind, level in _POSTGRES_LEVELS.items()
        }
    refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    changes = {
        f"{table}_no_{kind}": f"CREATE TRIGGER {table}_no_{kind} BEFORE {kind.upper()} ON {table} {refusal}"
        for kind in ("update", "delete")
    }
    # INSERT OR REPLACE removes the row in its way without a word to the trigger that refuses DELETE.
    in_the_way = " OR ".join(
        f"({' AND '.join(f'{name} = NEW.{name}' for name in columns)})" for columns in _unique(connection, table)
    )
    name = f"{table}_no_replace"
    when = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {in_the_way})"  # noqa: S608 - names of the schema
    return changes | {name: f"CREATE TRIGGER {name} BEFORE INSERT ON {table} {when} {refusal}"}


def _unique(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, ...]]:
    """The columns that no two rows of SQLite's `table` have alike; of all rows, and not of some."""
    with connection.cursor() as cursor:
        cursor.execute('SELECT name FROM pragma_index_list(%s) WHERE "unique" AND NOT partial ORDER BY name', [table])
        found: set[tuple[str, ...]] = {("id",)}
        for (index,) in cursor.fetchall():
            cursor.execute("SELECT name FROM pragma_index_info(%s) ORDER BY seqno", [index])
            found.add(tuple(name for (name,) in cursor.fetchall()))
    return sorted(found)


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
        return f"Refuse UPDATE, DELETE, TRUNCATE and REPLACE on {self.table}"

    def deconstruct(self) -> tuple[str, list[str], dict[str, Any]]:
        return (self.__class__.__name__, [self.table], {})
