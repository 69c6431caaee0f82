"""What the migrations left in the database, which each transactional test leaves behind as well.

Django would truncate all tables and have all rows seeded again, which takes longer than most of these tests.
"""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from tests import replayed
from tests.database import lifted_triggers


class FirstRows:
    """Copies of the tables that aren't empty, in the same database and out of the models' sight."""

    def __init__(self) -> None:
        self._tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self._kept = self._filled()
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("CREATE SCHEMA first_rows")
            for table in self._kept:
                cursor.execute(f"CREATE TABLE {_copy_of(table)} AS SELECT * FROM {_quoted(table)}")

    def put_back(self) -> None:
        with lifted_triggers(), transaction.atomic(), connection.cursor() as cursor:
            for table in self._filled():
                cursor.execute(f"DELETE FROM {_quoted(table)}")
            for table in self._kept:
                cursor.execute(f"INSERT INTO {_quoted(table)} SELECT * FROM {_copy_of(table)}")

    def _filled(self) -> list[str]:
        looks = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {_quoted(table)})" for table in self._tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            return [table for (table,) in cursor.fetchall()]


def no_trial() -> None:
    """Whom a test makes has the credits that it gives them, and no others."""
    from credits.models import Plan

    Plan.objects.update(for_new_wallets=False)


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)


def _copy_of(table: str) -> str:
    return f"first_rows.{_quoted(table)}" if connection.vendor == "postgresql" else _quoted(f"first_rows_{table}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        no_trial()
        first = FirstRows()
        replayed.begin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: first.put_back())
        yield
