"""Redis's script and the process's memory decide alike, whatever is asked of them in whatever order."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from gateway.limits.claims import Change, Claim, Kind, Outcome
from tests.gateway.limits.counters import InMemory, InRedis
from tests.redis_server import RedisServer, another_database

_LIMITS = {Kind.RPM: 4, Kind.TPM: 100, Kind.CONCURRENCY: 3}


@dataclass(frozen=True)
class Asked:
    """Takes with these claims; then, `later` steps on, gives back as if so many tokens had been used."""

    claims: tuple[Claim, ...]
    used: int
    later: int
    wait_ms: int


def claims_of(kind: Kind, owner: int, least: int, more: int, change: int) -> Claim:
    limit = max(1, _LIMITS[kind] + change)
    key = f"o{owner}:{kind.name}"
    return Claim(kind, key, limit, least, least + more) if kind is Kind.TPM else Claim(kind, key, limit)


_claim = st.builds(
    claims_of,
    st.sampled_from(Kind),
    st.integers(0, 1),
    st.integers(1, 130),
    st.integers(0, 100),
    st.integers(-2, 2),
)
_asked = st.builds(
    Asked,
    st.lists(_claim, min_size=1, max_size=4, unique_by=lambda claim: claim.key).map(tuple),
    st.integers(0, 250),
    st.integers(0, 6),
    # Some steps set the clock back.
    st.one_of(st.just(0), st.integers(0, 900), st.integers(0, 30_000), st.integers(58_000, 62_000), st.just(-3_000)),
)


def changes(asked: Asked, outcome: Outcome) -> tuple[Change, ...]:
    return tuple(
        Change(claim.kind, claim.key, state.second, asked.used - outcome.granted if claim.kind is Kind.TPM else 0)
        for claim, state in zip(asked.claims, outcome.states, strict=True)
        if claim.kind is not Kind.RPM
    )


async def compare(url: str, steps: list[Asked]) -> None:
    memory, shared = InMemory(), InRedis(url)
    # Memory has no leases: here no slot is old enough to run out.
    shared.limits = type(shared.limits)(url, timeout_s=20, lease_s=86_400)
    due: dict[int, list[tuple[str, tuple[Change, ...]]]] = {}
    try:
        for number, asked in enumerate(steps):
            for counters in (memory, shared):
                counters.clock.advance(asked.wait_ms)
            here = await memory.take(*asked.claims, holder=f"h{number}")
            there = await shared.take(*asked.claims, holder=f"h{number}")
            assert here == there
            if here.refused < 0:
                due.setdefault(number + asked.later, []).append((f"h{number}", changes(asked, here)))
            for holder, given_back in due.pop(number, ()):
                await memory.give(holder, *given_back)
                await shared.give(holder, *given_back)
    finally:
        await shared.limits.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(_asked, min_size=1, max_size=25))
async def test_memory_and_redis_decide_alike(lasting_redis: RedisServer, steps: list[Asked]) -> None:
    url = another_database(lasting_redis.url())
    with Redis.from_url(url) as client:
        client.flushdb()
    await compare(url, steps)


@settings(max_examples=100, deadline=None)
@given(waits=st.lists(st.integers(0, 9_000), min_size=10, max_size=60), limit=st.integers(1, 6))
async def test_no_sixty_seconds_of_the_clock_see_more_than_the_limit(waits: list[int], limit: int) -> None:
    memory = InMemory()
    admitted: list[int] = []
    for wait_ms in waits:
        memory.clock.advance(wait_ms)
        if (await memory.take(Claim(Kind.RPM, "k", limit))).refused < 0:
            admitted.append(memory.clock.now_ms // 1000)
    for first in admitted:
        assert sum(first <= second < first + 60 for second in admitted) <= limit
