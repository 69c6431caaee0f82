"""Every call that this process has not ended yet: its heartbeat, its way on without a client, its orderly end.

The server's own graceful stop does not reach the generators of streams, so their tasks are kept here.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from credits.writer import LedgerWriter
from gateway.exchange import Exchange
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

T = TypeVar("T")

_LAST_DRAIN_S = 5.0
_UNREAD_S = 1.0


class InFlight:
    def __init__(self, writer: LedgerWriter) -> None:
        self._writer = writer
        self._exchanges: dict[UUID, Exchange] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._settling: set[asyncio.Future[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()
        self._detached: set[asyncio.Task[Any]] = set()
        self._heart: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False

    def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._heart = self.loop.create_task(self._beat())

    def add(self, exchange: Exchange) -> None:
        self._exchanges[exchange.id] = exchange

    def remove(self, exchange: Exchange) -> None:
        self._exchanges.pop(exchange.id, None)

    @property
    def count(self) -> int:
        return len(self._exchanges)

    def counts(self) -> dict[str, int]:
        """Calls by what they do: `waiting` have sent nothing yet, the client of the `detached` has left."""
        streaming, detached = len(self._streams), len(self._detached)
        waiting = max(0, self.count - streaming - detached)
        return {"waiting": waiting, "streaming": streaming, "detached": detached}

    def keep(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` as a task that nothing but shutdown cancels and nobody has to hold on to."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_look_at)
        return task

    def settle(self, closing: "asyncio.Future[Any]") -> None:
        """The end of a call, which shutdown waits for and never cancels."""
        self._settling.add(closing)
        closing.add_done_callback(self._settling.discard)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """The current task is sending a stream: shutdown ends it, and a client that takes nothing any more doesn't keep
        it beyond the time that a call has."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        timer = asyncio.get_running_loop().call_later(settings.REQUEST_TIMEOUT_S + _UNREAD_S, task.cancel)
        try:
            yield
        finally:
            timer.cancel()
            self._streams.discard(task)

    def finish_detached(self, task: "asyncio.Task[Any]") -> None:
        """Let `task` finish without its client: DRAIN_S at most, DRAIN_LIMIT at once, then it is cancelled."""
        if len(self._detached) >= settings.DRAIN_LIMIT:
            _cancel_begun(task)
            return
        self._detached.add(task)
        timer = asyncio.get_running_loop().call_later(settings.DRAIN_S, _cancel_begun, task)
        task.add_done_callback(self._detached.discard)
        task.add_done_callback(lambda _: timer.cancel())
        task.add_done_callback(_tell)

    async def stop(self) -> None:
        """End every call: streams are cut, detached work gets a few seconds more, then what came is charged."""
        self.stopping = True
        if self._heart is not None:
            self._heart.cancel()
        await self._cancel(self._streams)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_DRAIN_S)
        await self._cancel(self._tasks)
        if self._settling:
            await asyncio.wait(self._settling, timeout=_LAST_DRAIN_S)

    @staticmethod
    async def _cancel(tasks: "set[asyncio.Task[Any]]") -> None:
        doomed = list(tasks)
        for task in doomed:
            _cancel_begun(task)
        if doomed:
            await asyncio.wait(doomed, timeout=_LAST_DRAIN_S)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.HEARTBEAT_S)
            try:
                self._writer.beat([exchange.beat() for exchange in self._exchanges.values()])
            except Exception:
                # Without its heart this process would lose every call that it is serving.
                log.exception("heartbeats failed; they are tried again")


def _cancel_begun(task: "asyncio.Task[Any]") -> None:
    """Cancel it after its first step, without which it could not clean up: its hold would stay open.

    Callbacks run in the order in which they were asked for; a timer may overtake them where the loop is late.
    """
    asyncio.get_running_loop().call_soon(task.cancel)


def _tell(task: "asyncio.Task[Any]") -> None:
    """A fault of ours in a call that nobody waits for any more; an upstream's was told where it happened."""
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ServiceError):
        log.error("a call without its client failed", exc_info=error)


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Whoever waits for the task learns of its error; asyncio is kept from complaining where nobody does."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("a call ended with %r", error)
