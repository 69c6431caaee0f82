"""Both kinds of limits behind one face, on a clock that tests move."""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from gateway.limits.claims import Change, Claim, Give, Kind, Outcome, Renew, Take
from gateway.limits.memory import MemoryLimits
from gateway.limits.redis import RedisLimits

START_MS = 1_700_000_000_000
LEASE_S = 10.0


class Clock:
    """Milliseconds, in the middle of a second to begin with."""

    def __init__(self) -> None:
        self.now_ms = START_MS + 500

    def advance(self, ms: int) -> None:
        self.now_ms += ms


class Counters(Protocol):
    clock: Clock

    async def take(self, *claims: Claim, holder: str = "") -> Outcome: ...
    async def give(self, holder: str, *changes: Change) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.clock = Clock()
        self.limits = MemoryLimits(lambda: self.clock.now_ms)
        self._ids = count()

    async def take(self, *claims: Claim, holder: str = "") -> Outcome:
        return self.limits.take(Take(holder or f"call{next(self._ids)}", claims))

    async def give(self, holder: str, *changes: Change) -> None:
        self.limits.give(Give(holder, changes))


class InRedis:
    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.limits = RedisLimits(url, timeout_s=20, lease_s=LEASE_S)
        self._ids = count()

    async def take(self, *claims: Claim, holder: str = "") -> Outcome:
        outcome, *_ = await self.run([Take(holder or f"call{next(self._ids)}", claims)])
        assert outcome is not None
        return outcome

    async def give(self, holder: str, *changes: Change) -> None:
        assert await self.run([Give(holder, changes)]) == [None]

    async def renew(self, slots: dict[str, list[str]]) -> None:
        assert await self.run([Renew(slots)]) == [None]

    async def run(self, operations: Sequence[Take | Give | Renew]) -> list[Outcome | None]:
        self.limits.now_ms = self.clock.now_ms
        return await self.limits.run(operations)


def rpm(limit: int, key: str = "key:1:rpm") -> Claim:
    return Claim(Kind.RPM, key, limit)


def tpm(limit: int, least: int, most: int | None = None, key: str = "key:1:tpm") -> Claim:
    return Claim(Kind.TPM, key, limit, least, most or least)


def slots(limit: int, key: str = "key:1:concurrency") -> Claim:
    return Claim(Kind.CONCURRENCY, key, limit)


def tokens_back(outcome: Outcome, tokens: int, key: str = "key:1:tpm") -> Change:
    """`tokens` fewer than were granted by `outcome`, whose only claim is of tokens."""
    return Change(Kind.TPM, key, outcome.states[0].second, -tokens)


def slot_back(key: str = "key:1:concurrency") -> Change:
    return Change(Kind.CONCURRENCY, key)
