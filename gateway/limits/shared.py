"""The queue to Redis of one process, and whether Redis is to be had: what waits together goes in one call.

A failure costs the calls that were waiting one timeout, and nobody after them: until a probe in the background finds
Redis again, nothing is sent there.
"""

import asyncio
import logging
from collections.abc import Callable

from redis.exceptions import RedisError

from gateway.limits.claims import Change, Give, Kind, Operation, Outcome, Renew, Take
from gateway.limits.redis import RedisLimits

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 200
_PROBE_S = 1.0
_LAST_WORDS_S = 1.0

Waiting = tuple[Operation, "asyncio.Future[Outcome | None] | None"]


class SharedLimits:
    """`holding` says which slots this process's calls hold: Redis is told when it is back."""

    def __init__(self, redis: RedisLimits, *, holding: Callable[[], Renew]) -> None:
        self.is_away = True
        self._redis = redis
        self._holding = holding
        self._queue: list[Waiting] = []
        self._unsure: list[Give] = []
        self._sending: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._is_returning = False
        self._is_stopping = False

    async def start(self) -> None:
        """Returns whether or not Redis is there."""
        try:
            await self._redis.open()
            self.is_away = False
        except RedisError as error:
            self._leave(error)

    async def stop(self) -> None:
        """Send what is waiting, for a moment."""
        if self._sending is not None:
            await asyncio.wait((self._sending,), timeout=_LAST_WORDS_S)
        self._is_stopping = True
        if tasks := [task for task in (self._sending, self._probing) if task is not None]:
            for task in tasks:
                task.cancel()
            # A cancellation that comes as Redis times out may be lost in that; then the mark is seen.
            await asyncio.wait(tasks, timeout=_LAST_WORDS_S)
        await self._redis.close()

    async def take(self, take: Take) -> Outcome | None:
        """None where Redis can't be asked."""
        if self.is_away:
            return None
        answer: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._put((take, answer))
        return await answer

    def tell(self, operation: Give | Renew) -> None:
        """Behind the takes that came before; without an answer. What Redis misses while it is away, runs out there."""
        if not self.is_away:
            self._put((operation, None))
        elif self._is_returning:
            self._queue.append((operation, None))

    def _put(self, waiting: Waiting) -> None:
        self._queue.append(waiting)
        if self._sending is None:
            self._start_sending()

    def _start_sending(self) -> None:
        self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._queue and not self._is_stopping:
                batch, self._queue = self._queue[:_MOST_AT_ONCE], self._queue[_MOST_AT_ONCE:]
                try:
                    outcomes = await self._redis.run([operation for operation, _ in batch])
                except RedisError as error:
                    self._give_up(batch, error)
                else:
                    self._answer(batch, outcomes)
        finally:
            self._sending = None

    def _answer(self, batch: list[Waiting], outcomes: list[Outcome | None]) -> None:
        for (operation, answer), outcome in zip(batch, outcomes, strict=True):
            if answer is None:
                continue
            if not answer.done():
                answer.set_result(outcome)
            elif isinstance(operation, Take) and outcome is not None and outcome.refused < 0:
                # Whoever asked is gone.
                self._queue.append((_undone(operation, outcome), None))

    def _give_up(self, batch: list[Waiting], error: RedisError) -> None:
        """Nobody knows how much of `batch` Redis has carried out, or will when it goes on."""
        lost, self._queue = [*batch, *self._queue], []
        for operation, answer in lost:
            if isinstance(operation, Take):
                self._unsure.append(_slots_of(operation))
            if answer is not None and not answer.done():
                answer.set_result(None)
        self._leave(error)

    def _leave(self, error: RedisError) -> None:
        self.is_away = True
        log.error("limits: Redis is away; until it is back each process gives out its share of them: %s", error)
        self._probing = asyncio.get_running_loop().create_task(self._probe())

    async def _probe(self) -> None:
        while not self._is_stopping:
            await asyncio.sleep(_PROBE_S)
            try:
                await self._return()
            except RedisError:
                self._queue.clear()
            else:
                log.warning("limits: Redis is back; all processes share them again")
                return
            finally:
                self._is_returning = False

    async def _return(self) -> None:
        await self._redis.open()
        # From here on an end has to be told, behind what tells Redis that the call is going on.
        self._is_returning = True
        # Slots that may be left from before go first, lest those of calls that are still going on went with them.
        await self._redis.run([*self._unsure, self._holding()])
        self._unsure.clear()
        self.is_away = False
        if self._queue:
            self._start_sending()


def _undone(take: Take, outcome: Outcome) -> Give:
    spent = {Kind.RPM: 1, Kind.TPM: outcome.granted, Kind.CONCURRENCY: 0}
    changes = tuple(
        Change(claim.kind, claim.key, state.second, -spent[claim.kind])
        for claim, state in zip(take.claims, outcome.states, strict=True)
    )
    return Give(take.id, changes)


def _slots_of(take: Take) -> Give:
    changes = tuple(Change(claim.kind, claim.key) for claim in take.claims if claim.kind is Kind.CONCURRENCY)
    return Give(take.id, changes)
