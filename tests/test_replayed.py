"""What is replayed is what was made, and nothing is replayed where something else has happened."""

import os

import pytest
from django.db import connection, transaction

from opscenter.core import audit_check
from opscenter.core.models import AuditEntry, User
from tests import replayed
from tests.replayed import replayed as replay

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite's rows are made each time"),
    pytest.mark.django_db,
]


class People:
    made = 0

    def __call__(self) -> User:
        self.made += 1
        return User.objects.create_user(f"person {self.made}")


def rolled_back(name: object, make: People, *, after: str = "") -> tuple[str, replayed.Rows]:
    """Who was there, and all rows."""
    with transaction.atomic():
        if after:
            User.objects.create_user(after)
        user = replay(name, make)
        assert User.objects.get(username=user.username) == user
        assert AuditEntry.objects.filter(entity_id=str(user.pk)).exists()
        rows = replayed._rows()
        assert audit_check.check().problems == []
        transaction.set_rollback(True)
    return user.username, {table: sorted(texts) for table, texts in rows.items()}


def test_the_rows_are_those_that_were_made_once() -> None:
    make, name = People(), object()

    assert rolled_back(name, make) == rolled_back(name, make)
    assert make.made == 1
    connection.check_constraints()


def test_what_follows_on_something_else_is_made() -> None:
    make, name = People(), object()

    found = [rolled_back(name, make, after=after)[0] for after in ("", "somebody", "")]
    assert found == ["person 1", "person 2", "person 1"]


def test_each_history_of_what_was_replayed_has_its_own() -> None:
    make, name, other = People(), object(), object()

    def after_another() -> str:
        with transaction.atomic():
            replay(other, People())
            user = replay(name, make)
            transaction.set_rollback(True)
        return user.username

    assert [rolled_back(name, make)[0], after_another(), after_another()] == ["person 1", "person 2", "person 2"]
