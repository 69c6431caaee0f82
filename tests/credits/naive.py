"""A table as others keep money in: no CHECK, no lock, no key. Races are shown in it first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def table(columns: str, row: str = "") -> Iterator[None]:
    """There is one at a time, called naive."""
    run(f"CREATE TABLE naive ({columns})")
    if row:
        run(f"INSERT INTO naive VALUES ({row})")
    yield
    run("DROP TABLE naive")


def read(columns: str) -> tuple[Any, ...]:
    """Of its one row, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM naive")
        return tuple(cursor.fetchone())


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
