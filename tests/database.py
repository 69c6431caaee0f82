"""Lifts the append-only triggers, after each transactional test and where a test plants damage; mends connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.creation import DatabaseCreation


@contextmanager
def lifted_triggers(alias: str = "default") -> Iterator[None]:
    """No trigger of this connection's fires inside (on SQLite: of anybody's)."""
    connection = connections[alias]
    lift = _lifted_on_postgres if connection.vendor == "postgresql" else _lifted_on_sqlite
    with lift(connection):
        yield


@contextmanager
def lifted_checks(table: str, *constraints: str) -> Iterator[None]:
    """CHECKs aren't enforced inside, so that a test can plant what they forbid, in its own transaction."""
    connection = connections["default"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            settle_deferred()
            for name in constraints:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            yield
            return
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def settle_deferred() -> None:
    """Run now what PostgreSQL would check at commit: it refuses to alter or truncate a table before."""
    connections["default"].check_constraints()


@contextmanager
def _lifted_on_postgres(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


@contextmanager
def _lifted_on_sqlite(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            for _, sql in triggers:
                cursor.execute(sql)


@contextmanager
def dropped_though_in_use() -> Iterator[None]:
    """A thread that a test left behind may still be connected to its database, which has to go when the run ends."""
    with pytest.MonkeyPatch.context() as patch:
        destroy = DatabaseCreation._destroy_test_db  # type: ignore[attr-defined]  # the stubs leave it out

        def disconnect_and_destroy(creation: Any, name: str, verbosity: int) -> None:
            creation.connection.close_pool()
            with creation._nodb_cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            destroy(creation, name, verbosity)

        patch.setattr(DatabaseCreation, "_destroy_test_db", disconnect_and_destroy)
        yield


@pytest.fixture(scope="module", autouse=True)
def fresh_pool() -> None:
    """A thread that a test left behind may keep one of the pool's two connections: no other module misses it."""
    if connections["default"].vendor == "postgresql":
        connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone has one
