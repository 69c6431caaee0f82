"""What goes on without its client: bounded in number and time, and ended by an orderly stop."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import uvloop
from pytest_django.fixtures import Settings

from credits.writer import LedgerWriter
from gateway.inflight import InFlight
from tests.eventually import eventually_async


@pytest.fixture
async def inflight(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InFlight]:
    monkeypatch.setattr("gateway.inflight._LAST_DRAIN_S", 0.1)
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


@pytest.mark.parametrize(("limit", "drain_s"), [(0, 60), (1, 0.001)], ids=["beyond-the-limit", "out-of-time"])
def test_detached_work_can_clean_up_also_where_the_loop_is_late(settings: Settings, limit: int, drain_s: float) -> None:
    settings.DRAIN_LIMIT, settings.DRAIN_S = limit, drain_s
    cleaned_up = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            cleaned_up.set()

    def leave(kept: InFlight) -> None:
        kept.finish_detached(kept.keep(work()))
        # The loop has other calls to look after, and then timers that are due before anything new begins.
        time.sleep(0.05)

    async def busy_moment() -> None:
        leave(InFlight(LedgerWriter()))
        async with asyncio.timeout(60):
            await cleaned_up.wait()

    # The loop that serves: its timers go first.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(busy_moment())


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
            kept.settle(asyncio.ensure_future(end()))

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
