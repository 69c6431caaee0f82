"""The ledger writer: one thread and one connection per process that commits all waiting moves together.

Event loops queue moves; each is answered only after its commit. While the database is away reserves fail
within 2 s, closes are kept and repeated. A reserve that succeeds though its caller is gone is voided at once.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue

from django.db import InterfaceError, InternalError, OperationalError, connection

from credits.errors import LedgerUnavailable
from credits.ledger import book
from credits.ledger.connection import ledger_connection
from credits.ledger.moves import Beat, Broken, Capture, Closed, Held, Outcome, Refused, Reserve, Void
from credits.waiting import Waiting, give_up

logger = logging.getLogger(__name__)

ABANDONED = "abandoned"
_AWAY = (OperationalError, InterfaceError, InternalError)
_BATCH = 256
_CAPACITY = 10_000
_PATIENCE_S = 1.8
_BACKOFF_S = (0.05, 2.0)
# Where many waited for one commit, the next one waits for as many, as PostgreSQL's own commit_delay does: a commit of
# twice as many costs little more. docs/adr/0002 has the measurement.
_MANY = 8
_GATHER_S = 0.005
_LOOK_S = 0.001


class LedgerWriter:
    """`start()` once per process, `stop()` after its last request. `is_busy`: a commit is under way."""

    def __init__(self, *, capacity: int = _CAPACITY, patience_s: float = _PATIENCE_S) -> None:
        self._capacity = capacity
        self._patience_s = patience_s
        self._queue: SimpleQueue[Waiting | Sequence[Beat] | None] = SimpleQueue()
        self._kept: deque[Waiting] = deque()
        self._thread: threading.Thread | None = None
        self._deadline = float("inf")
        self._backoff_s = 0.0
        self._last = 0
        self.is_busy = False

    def start(self) -> None:
        if self._thread is None:
            self._deadline = float("inf")
            self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 10) -> None:
        """Commit what is queued, for at most `timeout_s`. What can't be is left to the sweep."""
        if self._thread is not None:
            self._deadline = time.monotonic() + timeout_s
            self._queue.put(None)
            self._thread.join(timeout_s + 5)
            self._thread = None
            self._forsake()

    @property
    def waiting(self) -> int:
        """Moves that no commit has taken yet."""
        return self._queue.qsize() + len(self._kept)

    async def reserve(self, move: Reserve) -> Held | Refused:
        """The hold is durable when this returns Held. Raises LedgerUnavailable, LedgerBroken."""
        if self._thread is None or self._queue.qsize() >= self._capacity:
            raise LedgerUnavailable
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Held | Refused] = loop.create_future()
        timer = loop.call_later(self._patience_s, give_up, future)
        self._queue.put(Waiting(move, future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._abandon(move, future.result())
            raise
        finally:
            timer.cancel()

    async def close(self, move: Capture | Void) -> Closed:
        """End a hold. Once called it happens, though the caller be cancelled or the database be away a while.

        Raises LedgerBroken where the database refuses it, LedgerUnavailable where the writer stopped first.
        """
        return await self.closing(move)

    def closing(self, move: Capture | Void) -> "asyncio.Future[Closed]":
        """What close() waits for. To cancel it ends no more than the waiting."""
        future: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            future.set_exception(LedgerUnavailable())
        else:
            self.close_soon(move, future)
        return future

    def close_soon(self, move: Capture | Void, waiter: "asyncio.Future[Closed] | None" = None) -> None:
        """End a hold without waiting for it; for cleanup that may not await."""
        self._queue.put(Waiting(move, waiter))

    def beat(self, beats: Iterable[Beat]) -> None:
        """Say that calls are alive. Not repeated: the next beat says it again."""
        self._queue.put(tuple(beats))

    def _abandon(self, move: Reserve, outcome: object) -> None:
        if isinstance(outcome, Held):
            self.close_soon(
                Void(move.hold_id, move.account_id, outcome.lease_epoch, ABANDONED, budgets=outcome.budgets)
            )

    def _run(self) -> None:
        ledger_connection()
        try:
            while self._step():
                pass
        finally:
            connection.close()
            self._forsake()

    def _step(self) -> bool:
        """Commit one batch; False once stopped and drained."""
        items, beats = self._take()
        if beats:
            self._beat(beats)
        if items:
            self.is_busy = True
            self._commit(items)
            self.is_busy = False
        stopping = self._deadline != float("inf")
        overdue = time.monotonic() > self._deadline
        return not (stopping and (overdue or not self.waiting))

    def _take(self) -> tuple[list[Waiting], list[Beat]]:
        """Wait for something to do, then take all there is, up to a batch of each."""
        kept = [self._kept.popleft() for _ in range(min(len(self._kept), _BATCH))]
        items: list[Waiting] = []
        beats: list[Beat] = []
        try:
            taken = self._queue.get(timeout=self._backoff_s) if kept else self._queue.get()
            if self._last >= _MANY:
                self._gather()
            while True:
                if isinstance(taken, Waiting):
                    items.append(taken)
                elif taken is not None:
                    beats.extend(taken)
                if len(items) >= _BATCH:
                    break
                taken = self._queue.get_nowait()
        except Empty:
            pass
        self._last = len(items)
        return kept + [item for item in items if not item.is_pointless], beats

    def _gather(self) -> None:
        """Until as many wait as last time, the one in hand included, and 5 ms at most."""
        deadline = time.monotonic() + _GATHER_S
        while self._queue.qsize() + 1 < self._last and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def _commit(self, items: list[Waiting]) -> None:
        try:
            outcomes = book.apply([item.move for item in items])
        except _AWAY as error:
            self._database_is_away(items, error)
        except Exception as error:
            # Whatever this is, the thread lives on: every other caller depends on it.
            logger.exception("A batch of %d moves failed", len(items))
            self._answer(items, [Broken(error)] * len(items))
        else:
            self._backoff_s = 0.0
            self._answer(items, outcomes)

    def _beat(self, beats: list[Beat]) -> None:
        try:
            book.beat(beats)
        except Exception as error:  # noqa: BLE001 - the thread lives on, and the next beat says it again
            connection.close()
            logger.warning("%d heartbeats were lost: %s", len(beats), error)

    def _database_is_away(self, items: list[Waiting], error: Exception) -> None:
        connection.close()
        least, most = _BACKOFF_S
        self._backoff_s = min(max(self._backoff_s * 2, least), most)
        reserves = [item for item in items if isinstance(item.move, Reserve)]
        closes = [item for item in items if not isinstance(item.move, Reserve)]
        logger.warning(
            "The ledger is away: %d reserves failed, %d closes are kept: %s",
            len(reserves),
            len(closes),
            error,
        )
        self._answer(reserves, [Broken(LedgerUnavailable())] * len(reserves))
        self._kept.extend(closes)

    def _answer(self, items: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
        """Wake each event loop once for all of its waiters."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Outcome]]] = defaultdict(list)
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Broken) and not isinstance(outcome.error, LedgerUnavailable):
                logger.error("The ledger refused %r: %s", item.move, outcome.error)
            if item.loop is not None:
                by_loop[item.loop].append((item, outcome))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._resolve, answers)
            except RuntimeError:
                # The loop is closed, and its waiters with it.
                for item, outcome in answers:
                    self._unheard(item, outcome)

    def _resolve(self, answers: list[tuple[Waiting, Outcome]]) -> None:
        for item, outcome in answers:
            if not item.answer(outcome):
                self._unheard(item, outcome)

    def _unheard(self, item: Waiting, outcome: Outcome) -> None:
        if isinstance(item.move, Reserve):
            self._abandon(item.move, outcome)

    def _forsake(self) -> None:
        """Tell whoever still waits that the writer has stopped."""
        items = [self._kept.popleft() for _ in range(len(self._kept))]
        while not self._queue.empty():
            taken = self._queue.get_nowait()
            if isinstance(taken, Waiting):
                items.append(taken)
        if items:
            logger.error("The ledger writer stopped with %d moves undone: the sweep will end them", len(items))
        self._answer(items, [Broken(LedgerUnavailable())] * len(items))
