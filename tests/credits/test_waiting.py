"""How long a caller waits for the ledger's answer, on a loop that has much to do."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from credits.errors import LedgerUnavailable
from credits.ledger.moves import Refused
from credits.waiting import give_up

PATIENCE_S = 0.001
OUTCOME = Refused("insufficient", 0)


async def wait_on_a_late_loop(answer: Callable[["asyncio.Future[Refused]"], object]) -> Refused:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Refused] = loop.create_future()

    def something_else() -> None:
        """Keeps the loop until the time is up, and meanwhile the outcome comes."""
        loop.call_later(PATIENCE_S, give_up, future)
        time.sleep(10 * PATIENCE_S)
        answer(future)

    loop.call_soon(something_else)
    async with asyncio.timeout(60):
        return await future


def run_late(answer: Callable[["asyncio.Future[Refused]"], object]) -> Refused:
    # The loop that serves: its timers go before what other threads have told it.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(wait_on_a_late_loop(answer))


def test_an_outcome_that_came_in_time_is_heard_though_the_loop_is_late() -> None:
    assert run_late(lambda future: future.get_loop().call_soon_threadsafe(future.set_result, OUTCOME)) == OUTCOME


def test_without_an_outcome_the_ledger_is_unavailable() -> None:
    with pytest.raises(LedgerUnavailable):
        run_late(lambda future: None)
