"""Callers that go, databases that go: no hold is leaked, no close is lost."""

import asyncio
from typing import Any

import pytest

from credits import checker
from credits.errors import LedgerUnavailable
from credits.ledger.moves import Closed, Held, Void
from credits.models import Account, Hold
from credits.writer import LedgerWriter
from tests.credits.ledger import a_capture, a_reserve, balance, held
from tests.credits.writing import Outage, cut_connections, run, wait_for_the_void, wallet_locked
from tests.eventually import eventually, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_reserve_whose_caller_goes_while_the_answer_is_on_its_way_is_voided(
    writer: LedgerWriter, funded: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = writer._resolve

    async def call() -> None:
        task = asyncio.create_task(writer.reserve(a_reserve(funded, 100)))

        def answer_and_cancel(answers: list[Any]) -> None:
            answer(answers)
            task.cancel()

        monkeypatch.setattr(writer, "_resolve", answer_and_cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(call())
    eventually(lambda: Hold.objects.filter(state="VOIDED", basis="abandoned").exists())
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
