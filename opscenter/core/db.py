"""What the ORM has no word for: a thread's own connection, reading one moment, locking a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.db import connection as default_connection
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model


def own_connection(alias: str = "default") -> BaseDatabaseWrapper:
    """Give the calling thread a connection outside the pool, so that no burst of page views can starve it.

    Everything that this thread does through the ORM uses it from here on. The thread closes it.
    """
    connection = connections.create_connection(alias)
    connection.settings_dict = deepcopy(connection.settings_dict)
    connection.settings_dict["OPTIONS"].pop("pool", None)
    connections[alias] = connection
    return connection


def bind_on_the_server(connection: BaseDatabaseWrapper) -> None:
    """Have PostgreSQL plan each statement once, by parameters that are not part of its text; before it is connected."""
    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 0}


@contextmanager
def consistent_read(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Everything read inside sees one moment of the database; nothing may be written inside.

    Inside a transaction it changes nothing: what that sees is seen.

    Not atomic(): on SQLite that would take the write lock (transaction_mode IMMEDIATE).
    """
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def lock_table(model: type[Model]) -> None:
    """Keep others from writing to the table, or locking it, until the current transaction ends.

    On SQLite every transaction keeps out all other writers from its beginning on.
    """
    if default_connection.vendor == "postgresql":
        with default_connection.cursor() as cursor:
            name = default_connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")


def limit_waits_for_locks(seconds: float) -> None:
    """Until the current transaction ends, a statement that waits longer for a lock fails with OperationalError.

    On SQLite the connection's own timeout stands: it waits but once, for the transaction to begin.
    """
    if default_connection.vendor == "postgresql":
        with default_connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
