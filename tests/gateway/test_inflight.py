"""What goes on without its client: bounded in number and time, and ended by an orderly stop."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pytest_django.fixtures import Settings

from credits.writer import LedgerWriter
from gateway.inflight import InFlight
from tests.eventually import eventually_async


@pytest.fixture
async def inflight() -> AsyncIterator[InFlight]:
    kept = InFlight(LedgerWriter())
    kept.start()
    yield kept
    await kept.stop()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_detached_work_beyond_the_limit_is_cancelled_soon(inflight: InFlight, settings: Settings) -> None:
    settings.DRAIN_LIMIT, settings.DRAIN_S = 2, 60
    tasks = [inflight.keep(forever()) for _ in range(3)]
    for task in tasks:
        inflight.finish_detached(task)
    await eventually_async(tasks[2].cancelled)
    assert not tasks[0].done() and not tasks[1].done()


async def test_detached_work_is_cancelled_when_its_time_is_up(inflight: InFlight, settings: Settings) -> None:
    settings.DRAIN_LIMIT, settings.DRAIN_S = 2, 0.05
    task = inflight.keep(forever())
    inflight.finish_detached(task)
    await eventually_async(task.cancelled)


async def test_finished_work_makes_room(inflight: InFlight, settings: Settings) -> None:
    settings.DRAIN_LIMIT, settings.DRAIN_S = 1, 60
    first = inflight.keep(asyncio.sleep(0))
    inflight.finish_detached(first)
    await first
    second = inflight.keep(forever())
    inflight.finish_detached(second)
    await asyncio.sleep(0.05)
    assert not second.done()


async def test_a_stop_waits_for_ends_and_cancels_the_rest() -> None:
    kept = InFlight(LedgerWriter())
    kept.start()
    ended = asyncio.Event()

    async def end() -> None:
        await asyncio.sleep(0.05)
        ended.set()

    async def work() -> None:
        try:
            await forever()
        finally:
            kept.settle(end())

    streaming = kept.keep(work())
    await asyncio.sleep(0)
    kept.finish_detached(streaming)
    streaming.cancel()
    await kept.stop()
    assert ended.is_set()


async def test_a_bug_in_a_call_that_nobody_waits_for_is_logged(
    inflight: InFlight, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise KeyError("a bug")

    task = inflight.keep(fail())
    inflight.finish_detached(task)
    await asyncio.wait((task,))
    await asyncio.sleep(0)

    assert [record.levelname for record in caplog.records] == ["ERROR"]
