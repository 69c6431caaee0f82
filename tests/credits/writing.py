"""What tests of the writer share: a loop to call it from, and what can get in its way."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connection, transaction

from credits.ledger import book
from credits.ledger.moves import Move, Outcome
from credits.models import Account, Hold
from opscenter.core.db import own_connection
from tests.eventually import eventually

T = TypeVar("T")


@contextmanager
def wallet_locked(account: Account) -> Iterator[None]:
    """Somebody else's transaction keeps the writer waiting."""
    locked, release = threading.Event(), threading.Event()

    def hold_the_lock() -> None:
        own_connection()
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=account.pk)
            locked.set()
            release.wait(60)
        connection.close()

    thread = threading.Thread(target=hold_the_lock)
    thread.start()
    assert locked.wait(60)
    try:
        yield
    finally:
        release.set()
        thread.join()


class Outage:
    """Stands in for the book while the database is away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.over = False
        self.tries = 0
        self.apply = book.apply
        monkeypatch.setattr(book, "apply", self)

    def __call__(self, moves: list[Move]) -> list[Outcome]:
        self.tries += 1
        if self.over:
            return self.apply(moves)
        raise OperationalError("the database is away")


def wait_for_the_void() -> None:
    """On a thread beside an event loop, with a connection of its own."""
    own_connection()
    eventually(lambda: Hold.objects.filter(state="VOIDED", basis="abandoned").exists())
    connection.close()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def cut_connections() -> None:
    """SQLite has none to cut."""
    own_connection()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s",
                ["%COMMIT%"],
            )
    connection.close()
