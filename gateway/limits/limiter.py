"""Gives out what limits allow: by Redis for all processes together, else this process's share. Knows no calls.

Callers without limits never come here. What was given out is kept until it is given back; slots among it are renewed,
so that only those of a dead process run out.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from gateway.limits.claims import Change, Claim, Give, Kind, Outcome, Renew, Take
from gateway.limits.memory import MemoryLimits
from gateway.limits.redis import RedisLimits
from gateway.limits.shared import SharedLimits

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Lease:
    """What a call was granted, in `outcome`; `local` is the same in this process's own count."""

    take: Take
    outcome: Outcome
    local: Outcome
    is_shared: bool

    @property
    def tokens(self) -> int:
        return self.outcome.granted


@dataclass(frozen=True, slots=True)
class Refusal:
    """The claim that stands in the way longest; every claim's state is in `outcome`, in the order of `take`."""

    take: Take
    outcome: Outcome

    @property
    def claim(self) -> Claim:
        return self.take.claims[self.outcome.refused]

    @property
    def retry_after_s(self) -> int:
        return max(1, -(-self.outcome.wait_ms // 1000))


class Limiter:
    """One per process. `refused` counts refusals by counter's owner and kind: ("key", "rpm")."""

    def __init__(self, *, now_ms: Callable[[], int], redis: RedisLimits | None = None, processes: int = 1) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        self._memory = MemoryLimits(now_ms)
        self._processes = processes
        self._leases: dict[str, Lease] = {}
        self._shared = SharedLimits(redis, holding=self._held_slots) if redis else None
        self._heart: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, now_ms: Callable[[], int]) -> Self:
        redis = None
        if settings.REDIS_URL:
            redis = RedisLimits(settings.REDIS_URL, timeout_s=settings.LIMITS_TIMEOUT_S, lease_s=settings.LEASE_S)
        return cls(now_ms=now_ms, redis=redis, processes=settings.WEB_CONCURRENCY)

    @property
    def is_falling_back(self) -> bool:
        """Whether Redis is wanted and away."""
        return self._shared is not None and self._shared.is_away

    @property
    def open_leases(self) -> int:
        return len(self._leases)

    async def start(self) -> None:
        if self._shared is not None:
            await self._shared.start()
        self._heart = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError):
                await self._heart
        if self._shared is not None:
            await self._shared.stop()

    async def take(self, take: Take) -> Lease | Refusal:
        """All that is claimed or nothing. What is granted has to be given back, by give_back() alone."""
        outcome = await self._shared.take(take) if self._shared else None
        if outcome is None:
            return self._take_here(take)
        if outcome.refused >= 0:
            return self._refuse(Refusal(take, outcome))
        # The share of this process begins with what it has given out, should Redis go away.
        return self._keep(Lease(take, outcome, self._memory.note(take, outcome.granted), is_shared=True))

    async def look(self, take: Take) -> Refusal | None:
        """What take() would refuse it for at this moment. Nothing is taken, and no refusal counted."""
        outcome = await self._shared.take(_never(take)) if self._shared else None
        if outcome is None:
            take = self._share(take)
            outcome = self._memory.take(_never(take))
        outcome = outcome._replace(states=outcome.states[:-1])
        short = [place for place, claim in enumerate(take.claims) if outcome.states[place].left < claim.needed]
        if not short:
            return None
        # Where none has to wait longer than for what never comes.
        return Refusal(take, outcome if outcome.refused in short else outcome._replace(refused=short[0]))

    def give_back(self, lease: Lease, tokens: int) -> None:
        """The call used `tokens`: its slots are free, and what it was granted beyond them is. Once is enough."""
        if self._leases.pop(lease.take.id, None) is None:
            return
        self._memory.give(_given(lease, lease.local, tokens))
        if self._shared is not None:
            give = _given(lease, lease.outcome, tokens) if lease.is_shared else _given(lease, None, tokens)
            if give.changes:
                self._shared.tell(give)

    def _take_here(self, take: Take) -> Lease | Refusal:
        take = self._share(take)
        outcome = self._memory.take(take)
        if outcome.refused >= 0:
            return self._refuse(Refusal(take, outcome))
        return self._keep(Lease(take, outcome, outcome, is_shared=False))

    def _share(self, take: Take) -> Take:
        return take._replace(claims=tuple(claim.share(self._processes) for claim in take.claims))

    def _keep(self, lease: Lease) -> Lease:
        self._leases[lease.take.id] = lease
        return lease

    def _refuse(self, refusal: Refusal) -> Refusal:
        owner = refusal.claim.key.partition(":")[0]
        self.refused[owner, refusal.claim.kind.name.lower()] += 1
        return refusal

    def _held_slots(self) -> Renew:
        slots: dict[str, list[str]] = {}
        for lease in self._leases.values():
            for claim in lease.take.claims:
                if claim.kind is Kind.CONCURRENCY:
                    slots.setdefault(claim.key, []).append(lease.take.id)
        return Renew(slots)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.HEARTBEAT_S)
            try:
                self._memory.prune()
                if self._shared is not None and (held := self._held_slots()).slots:
                    self._shared.tell(held)
            except Exception:
                # Without its heart this process would lose the slots of every call that it is serving.
                log.exception("renewing slots failed; it is tried again")


def _never(take: Take) -> Take:
    """The same with one more claim, for which there is never a slot."""
    return take._replace(claims=(*take.claims, Claim(Kind.CONCURRENCY, "never", 0)))


def _given(lease: Lease, granted: Outcome | None, tokens: int) -> Give:
    """Without `granted` slots alone: nothing was charged there, but a renewal may have made the slot known."""
    changes = []
    for place, claim in enumerate(lease.take.claims):
        if claim.kind is Kind.CONCURRENCY:
            changes.append(Change(claim.kind, claim.key))
        elif claim.kind is Kind.TPM and granted is not None and (differs := tokens - granted.granted):
            changes.append(Change(claim.kind, claim.key, granted.states[place].second, differs))
    return Give(lease.take.id, tuple(changes))
