"""The writer: many callers, one commit; nobody pays for a neighbour's fault."""

import asyncio
import threading

import pytest

from credits.errors import LedgerBroken, LedgerUnavailable
from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Closed, Held, Move, Outcome, Refused, Reserve
from credits.models import Account, Hold
from credits.writer import LedgerWriter
from tests.credits.ledger import a_capture, a_reserve, balance, held
from tests.credits.writing import run, wallet_locked
from tests.eventually import eventually, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


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
