"""The writer: many callers, one commit; nobody pays for a neighbour, a lost caller or a lost database."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connection, transaction

from credits import checker
from credits.errors import LedgerBroken, LedgerUnavailable
from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Closed, Held, Move, Outcome, Refused, Reserve, Void
from credits.models import Account, Hold
from credits.writer import LedgerWriter
from opscenter.core.db import own_connection
from tests.credits.conftest import Give
from tests.credits.ledger import a_capture, a_reserve, balance, held
from tests.eventually import eventually, eventually_async

T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> Iterator[LedgerWriter]:
    writer = LedgerWriter(patience_s=0.3)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def funded(alice: Account, give: Give) -> Account:
    return give(alice, "0.000001")


@contextmanager
def wallet_locked(account: Account) -> Iterator[None]:
    """Somebody else's transaction keeps the writer waiting."""
    locked, release = threading.Event(), threading.Event()

    def hold_the_lock() -> None:
        own_connection()
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=account.pk)
            locked.set()
            release.wait(20)
        connection.close()

    thread = threading.Thread(target=hold_the_lock)
    thread.start()
    assert locked.wait(20)
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


def test_reserve_and_close_are_durable_when_they_return(writer: LedgerWriter, funded: Account) -> None:
    async def call() -> tuple[Held | Refused, Closed]:
        outcome = await writer.reserve(a_reserve(funded, 100))
        assert isinstance(outcome, Held)
        close = Capture(outcome.hold_id, funded.pk, outcome.lease_epoch, 40, "provider")
        return outcome, await writer.close(close)

    _, closed = run(call())
    assert closed == Closed(won=True, captured=40)
    assert balance(funded) == (960, 0)


def test_callers_of_one_moment_share_a_commit(
    writer: LedgerWriter, funded: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    apply = book.apply

    def counting(moves: list[Move]) -> list[Outcome]:
        sizes.append(len(moves))
        return apply(moves)

    monkeypatch.setattr(book, "apply", counting)

    async def call() -> list[Held | Refused]:
        return await asyncio.gather(*[writer.reserve(a_reserve(funded, 100)) for _ in range(40)])

    outcomes = run(call())
    assert sum(isinstance(outcome, Held) for outcome in outcomes) == 10
    assert sum(sizes) == 40
    assert len(sizes) < 20


def test_one_bad_move_fails_alone(writer: LedgerWriter, funded: Account) -> None:
    taken = held(funded, 100)
    good = [a_reserve(funded, 100) for _ in range(6)]
    bad = Reserve(taken, funded.pk, None, 100, 100)

    async def call() -> list[object]:
        moves = [*good[:3], bad, *good[3:]]
        return await asyncio.gather(*[writer.reserve(move) for move in moves], return_exceptions=True)

    outcomes = run(call())
    assert [type(outcome) for outcome in outcomes] == [Held] * 3 + [LedgerBroken] + [Held] * 3
    assert balance(funded) == (1000, 700)


def test_reserve_whose_caller_is_gone_is_voided_at_once(writer: LedgerWriter, funded: Account) -> None:
    async def call() -> None:
        task = asyncio.create_task(writer.reserve(a_reserve(funded, 100)))
        await eventually_async(lambda: writer.is_busy)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        locked.__exit__(None, None, None)
        await asyncio.to_thread(wait_for_the_void)

    locked = wallet_locked(funded)
    locked.__enter__()
    run(call())
    assert Hold.objects.get().basis == "abandoned"
    assert balance(funded) == (1000, 0)


def test_reserve_whose_loop_is_gone_is_voided_at_once(writer: LedgerWriter, funded: Account) -> None:
    async def call() -> None:
        asyncio.create_task(writer.reserve(a_reserve(funded, 100)))  # noqa: RUF006 - it is to be lost
        await eventually_async(lambda: writer.is_busy)

    with wallet_locked(funded):
        run(call())
    eventually(lambda: Hold.objects.filter(state="VOIDED", basis="abandoned").exists())
    assert balance(funded) == (1000, 0)


def test_reserve_that_waits_too_long_fails_and_is_voided(writer: LedgerWriter, funded: Account) -> None:
    async def call() -> None:
        with pytest.raises(LedgerUnavailable) as caught:
            await writer.reserve(a_reserve(funded, 100))
        assert caught.value.status == 503
        assert caught.value.headers["Retry-After"]
        locked.__exit__(None, None, None)
        await asyncio.to_thread(wait_for_the_void)

    locked = wallet_locked(funded)
    locked.__enter__()
    run(call())
    assert balance(funded) == (1000, 0)


def test_reserve_is_refused_while_too_many_wait(funded: Account) -> None:
    writer = LedgerWriter(capacity=2)
    writer.start()

    async def call() -> list[object]:
        calls = [asyncio.create_task(writer.reserve(a_reserve(funded, 10)))]
        await eventually_async(lambda: writer.is_busy)
        calls += [asyncio.create_task(writer.reserve(a_reserve(funded, 10))) for _ in range(3)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        locked.__exit__(None, None, None)
        return await asyncio.gather(*calls, return_exceptions=True)

    locked = wallet_locked(funded)
    locked.__enter__()
    outcomes = run(call())
    assert [type(outcome) for outcome in outcomes] == [Held, Held, Held, LedgerUnavailable]
    writer.stop()


def test_reserve_fails_fast_and_close_is_kept_while_the_database_is_away(
    writer: LedgerWriter, funded: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = a_capture(held(funded, 100), 40)
    outage = Outage(monkeypatch)

    async def call() -> Closed:
        closing = asyncio.create_task(writer.close(capture))
        with pytest.raises(LedgerUnavailable):
            await writer.reserve(a_reserve(funded, 10))
        await eventually_async(lambda: outage.tries > 3)
        assert not closing.done()
        outage.over = True
        return await closing

    assert run(call()) == Closed(won=True, captured=40)
    assert balance(funded) == (960, 0)
    assert checker.check() == []


def test_close_of_a_caller_that_is_gone_still_happens(
    writer: LedgerWriter, funded: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = a_capture(held(funded, 100), 40)
    outage = Outage(monkeypatch)

    async def call() -> None:
        closing = asyncio.create_task(writer.close(capture))
        await eventually_async(lambda: outage.tries > 0)
        closing.cancel()

    run(call())
    outage.over = True
    eventually(lambda: balance(funded) == (960, 0))


def test_connection_cut_by_the_server_is_replaced(writer: LedgerWriter, funded: Account) -> None:
    async def call() -> Closed:
        outcome = await writer.reserve(a_reserve(funded, 100))
        assert isinstance(outcome, Held)
        await asyncio.to_thread(cut_connections)
        return await writer.close(Void(outcome.hold_id, funded.pk, outcome.lease_epoch, "unused"))

    assert run(call()).won
    assert balance(funded) == (1000, 0)


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


def test_several_event_loops_share_one_writer(writer: LedgerWriter, funded: Account) -> None:
    outcomes: list[Held | Refused] = []

    async def call() -> None:
        outcomes.extend(await asyncio.gather(*[writer.reserve(a_reserve(funded, 10)) for _ in range(20)]))

    threads = [threading.Thread(target=lambda: run(call())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, Held) for outcome in outcomes) == 60
    assert balance(funded) == (1000, 600)


def test_heartbeats_go_through_and_absurd_ones_do_no_harm(writer: LedgerWriter, funded: Account) -> None:
    absurd, fine = held(funded, 100), held(funded, 100)
    writer.beat([Beat(absurd, -1, 2**70), Beat(fine, 5, 20)])
    eventually(lambda: Hold.objects.get(pk=fine).delivered_tokens == 5)
    hold = Hold.objects.get(pk=absurd)
    assert (hold.delivered_tokens, hold.checkpoint_amount) == (0, 2**63 - 1)


def test_stop_commits_what_is_queued(funded: Account) -> None:
    writer = LedgerWriter()
    writer.start()
    captures = [a_capture(held(funded, 100), 40) for _ in range(5)]
    with wallet_locked(funded):
        for capture in captures:
            writer.close_soon(capture)
    writer.stop()
    assert balance(funded) == (800, 0)


def test_stop_gives_up_on_a_lost_database_in_time(funded: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = LedgerWriter()
    writer.start()
    capture = a_capture(held(funded, 100), 40)
    Outage(monkeypatch)

    async def call() -> None:
        closing = asyncio.create_task(writer.close(capture))
        await asyncio.to_thread(writer.stop, 0.2)
        with pytest.raises(LedgerUnavailable):
            await closing
        with pytest.raises(LedgerUnavailable):
            await writer.close(capture)
        with pytest.raises(LedgerUnavailable):
            await writer.reserve(a_reserve(funded, 1))

    run(call())
