"""Reads and writes the rows of calls with an Idempotency-Key in a thread of its own, off the event loop.

The thread begins with the first such call. It has no connection to the database but borrows one of the pool's.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection, transaction

from gateway.errors import GatewayNotReady
from gateway.once import stored
from gateway.once.claim import Claim
from gateway.once.stored import Answer, Wanted
from gateway.once.turns import Turns
from opscenter.core.db import limit_waits_for_locks

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[], int | Answer]

_AWAY = (OperationalError, InterfaceError, InternalError)
_PATIENCE_S = 1.8
_LOCKED_S = 1.5


class AnswerKeeper:
    """One per process, used on its event loop."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._turns = Turns()

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()

    async def claim(self, wanted: Wanted) -> Claim | Answer:
        """Raises what stored.claim() does, and GatewayNotReady (503)."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE_S), self._turns.of(wanted.virtual_key_id):
                found = await self._claimed(wanted, partial(_in_time, began + _PATIENCE_S))
        except TimeoutError as error:
            raise _unavailable("its thread is held up") from error
        return found if isinstance(found, Answer) else Claim(found, wanted.request_id, began=began)

    async def _claimed(self, wanted: Wanted, in_time: Callable[[Work], int | Answer]) -> int | Answer:
        claiming = self._run(partial(in_time, partial(stored.claim, wanted)))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claiming.add_done_callback(partial(self._let_go, wanted))
            raise

    async def keep(self, claim: Claim, answer: Answer) -> None:
        """Raises GatewayNotReady (503), then there is no answer to be had under this key; TimeoutError, then it may
        come later.
        """
        keeping = self._run(partial(stored.keep, claim.id, claim.request_id, answer))
        keeping.add_done_callback(_look_at)
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.shield(keeping)

    def release(self, claim: Claim) -> "asyncio.Future[None]":
        """Happens whoever waits for it. Should it fail, the claim runs out."""
        releasing = self._run(partial(stored.release, claim.id, claim.request_id))
        releasing.add_done_callback(_look_at)
        return releasing

    def _let_go(self, wanted: Wanted, claiming: "asyncio.Future[int | Answer]") -> None:
        """Nobody is left to use the claim that comes."""
        if not claiming.cancelled() and claiming.exception() is None and isinstance(id := claiming.result(), int):
            self.release(Claim(id, wanted.request_id, began=0.0))

    def _run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        return asyncio.get_running_loop().run_in_executor(self._thread, _borrowing, work)


def _look_at(writing: "asyncio.Future[None]") -> None:
    """Nobody may be waiting for it any more."""
    if not writing.cancelled() and (error := writing.exception()) is not None:
        log.warning("the row of an Idempotency-Key could not be written: %s", error)


def _in_time(deadline: float, work: Callable[[], T]) -> T:
    """What waited too long for this thread isn't begun: whoever asked is gone, and the next one waits."""
    if time.monotonic() > deadline:
        raise _unavailable("its thread was held up")
    return work()


def _borrowing(work: Callable[[], T]) -> T:
    """What `work` does in one transaction, which waits for nobody for long: all other keys wait for this thread."""
    try:
        with transaction.atomic():
            limit_waits_for_locks(_LOCKED_S)
            return work()
    except _AWAY as error:
        raise _unavailable(error) from error
    finally:
        connection.close()


def _unavailable(reason: object) -> GatewayNotReady:
    log.warning("calls with an Idempotency-Key are refused: %s", reason)
    return GatewayNotReady(
        "The gateway can't reach its database. Try again in a few seconds.", headers={"Retry-After": "2"}
    )
