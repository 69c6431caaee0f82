"""The trigger that refuses, at commit, a journal whose entries don't sum to 0. PostgreSQL only: SQLite has no
deferred triggers, there the book and the checker answer for it.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

TRIGGER = "llm_transactions_balanced"
_CREATE = f"""
CREATE OR REPLACE FUNCTION credits_journal_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT SUM(amount) FROM llm_transactions WHERE journal_id = NEW.journal_id) <> 0 THEN
    RAISE EXCEPTION 'journal % does not sum to 0', NEW.journal_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER {TRIGGER} AFTER INSERT ON llm_transactions DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION credits_journal_is_balanced();
"""
_DROP = f"""
DROP TRIGGER IF EXISTS {TRIGGER} ON llm_transactions;
DROP FUNCTION IF EXISTS credits_journal_is_balanced();
"""


def is_missing(connection: BaseDatabaseWrapper) -> bool:
    """Whether the live PostgreSQL table lacks the trigger, or has it disabled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass('llm_transactions') "
            "AND tgname = %s AND tgenabled <> 'D'",
            [TRIGGER],
        )
        return cursor.fetchone() is None


class BalancedJournals(Operation):
    """From here on no unbalanced journal can be committed."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(_CREATE, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(_DROP, params=None)

    def describe(self) -> str:
        return "Refuse journals that don't sum to 0"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [], {})
