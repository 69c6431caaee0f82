"""Redis shared by several processes' limiters: what they give out together, and what without it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout

from gateway.limits.claims import Claim, Take
from gateway.limits.limiter import Lease, Limiter, Refusal
from gateway.limits.redis import RedisLimits
from gateway.models import VirtualKey
from opscenter.core.limits import Limits
from tests.eventually import POLL_INTERVAL_S, TIMEOUT_S, eventually_async
from tests.gateway.in_process import InProcess
from tests.gateway.limits.counters import Clock, rpm, slots, tpm
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.redis_server import RedisServer
from tests.upstream import Upstream

PROCESSES = 4
PATIENT_S = 20.0
IMPATIENT_S = 0.2

Make = Callable[..., Awaitable[Limiter]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Limiters as that many processes have them: each its own connection and memory."""
    made: list[Limiter] = []
    clock = Clock()

    async def start(server: RedisServer | None) -> Limiter:
        redis = RedisLimits(server.url(), timeout_s=PATIENT_S, lease_s=60) if server else None
        limiter = Limiter(now_ms=lambda: clock.now_ms, redis=redis, processes=PROCESSES)
        await limiter.start()
        made.append(limiter)
        return limiter

    yield start
    for limiter in made:
        await limiter.stop()


async def ask(limiter: Limiter, name: str, *claims: Claim) -> Lease | Refusal:
    return await limiter.take(Take(name, claims))


async def admitted(limiters: list[Limiter], calls: int, *claims: Claim) -> list[Lease]:
    """Of so many calls at once, over all of them."""
    asked = [ask(limiters[n % len(limiters)], uuid4().hex, *claims) for n in range(calls)]
    return [answer for answer in await asyncio.gather(*asked) if isinstance(answer, Lease)]


async def eventually_admitted(limiter: Limiter, *claims: Claim) -> Lease:
    """As soon as what others gave back has come to Redis."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (leases := await admitted([limiter], 1, *claims)):
        assert time.monotonic() < deadline
        await asyncio.sleep(POLL_INTERVAL_S)
    return leases[0]


def wait_no_longer_than(timeout_s: float, limiters: list[Limiter]) -> None:
    for limiter in limiters:
        assert limiter._shared is not None
        limiter._shared._redis._timeout_s = timeout_s


def told_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.message.partition(";")[0]
        for record in caplog.records
        if record.name == "gateway.limits.shared" and record.levelno >= logging.WARNING
    ]


async def test_processes_with_redis_give_out_no_more_than_one_limit(redis: RedisServer, make: Make) -> None:
    limiters = [await make(redis) for _ in range(PROCESSES)]
    leases = await admitted(limiters, 200, rpm(37), slots(50))
    assert len(leases) == 37
    assert sum(limiter.refused["key", "rpm"] for limiter in limiters) == 200 - 37


async def test_processes_without_redis_give_out_a_share_each(make: Make) -> None:
    limiters = [await make(None) for _ in range(PROCESSES)]
    assert len(await admitted(limiters, 200, rpm(37))) == 4 * 9
    assert not any(limiter.is_falling_back for limiter in limiters)


async def test_a_share_is_one_at_least(make: Make) -> None:
    limiters = [await make(None) for _ in range(PROCESSES)]
    assert len(await admitted(limiters, 200, rpm(2))) == PROCESSES


async def test_calls_at_once_go_to_redis_together(redis: RedisServer, make: Make) -> None:
    limiter = await make(redis)
    assert len(await admitted([limiter], 100, rpm(1000))) == 100
    with Redis.from_url(redis.url()) as client:
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] < 20


async def test_counters_run_out_in_redis(redis: RedisServer, make: Make) -> None:
    limiter = await make(redis)
    assert await admitted([limiter], 1, rpm(10), tpm(1000, 10), slots(3))
    with Redis.from_url(redis.url()) as client:
        names = client.keys("*")
        assert len(names) == 3
        assert all(name.startswith(b"opscenter:limits:key:1:") for name in names)
        assert all(0 < client.pttl(name) <= 62_000 for name in names)


async def test_what_is_given_back_in_one_process_another_can_take(redis: RedisServer, make: Make) -> None:
    first, second = await make(redis), await make(redis)
    (lease,) = await admitted([first], 1, tpm(1000, 800), slots(1))
    assert isinstance(await ask(second, "b", tpm(1000, 800), slots(1)), Refusal)
    first.give_back(lease, 150)
    first.give_back(lease, 0)
    assert (await eventually_admitted(second, tpm(1000, 850), slots(1))).tokens == 850
    assert isinstance(await ask(first, "c", tpm(1000, 1)), Refusal)


async def test_who_stops_waiting_leaves_nothing_taken(redis: RedisServer, make: Make) -> None:
    limiter = await make(redis)
    waiting = [asyncio.ensure_future(ask(limiter, f"gone{n}", rpm(5), tpm(1000, 200), slots(5))) for n in range(5)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    lease = await eventually_admitted(limiter, rpm(5), tpm(1000, 1000), slots(5))
    assert [state.left for state in lease.outcome.states] == [4, 0, 4]
    assert limiter.open_leases == 1


async def test_a_frozen_redis_costs_one_timeout_and_no_call(
    redis: RedisServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    limiters = [await make(redis) for _ in range(2)]
    assert await admitted(limiters, 2, rpm(100)) and told_of(caplog) == []
    redis.freeze()
    wait_no_longer_than(IMPATIENT_S, limiters)
    for _ in range(10):
        await admitted(limiters, 30, rpm(100))
    assert all(limiter.is_falling_back for limiter in limiters)
    assert told_of(caplog) == ["limits: Redis is away"] * 2
    # A quarter of 100 each; what they had given out before is part of it.
    leases = [sum(not lease.is_shared for lease in limiter._leases.values()) for limiter in limiters]
    assert leases == [24, 24]


async def test_a_thawed_redis_is_used_again(redis: RedisServer, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    limiters = [await make(redis) for _ in range(2)]
    redis.freeze()
    wait_no_longer_than(IMPATIENT_S, limiters)
    await admitted(limiters, 2, rpm(100))
    wait_no_longer_than(PATIENT_S, limiters)
    redis.thaw()
    await eventually_async(lambda: not any(limiter.is_falling_back for limiter in limiters), timeout_s=30)
    assert len(await admitted(limiters, 200, rpm(60, "key:2:rpm"))) == 60
    assert told_of(caplog) == ["limits: Redis is away"] * 2 + ["limits: Redis is back"] * 2


async def test_a_redis_that_is_away_at_the_start_is_found_later(redis: RedisServer, make: Make) -> None:
    redis.kill()
    limiter = await make(redis)
    assert limiter.is_falling_back
    assert len(await admitted([limiter], 50, rpm(20))) == 5
    redis.start()
    await eventually_async(lambda: not limiter.is_falling_back, timeout_s=30)
    assert len(await admitted([limiter], 50, rpm(20, "key:2:rpm"))) == 20


class LosesCancellations(RedisLimits):
    """As its timeout does that runs out at the same moment."""

    asked = 0

    async def open(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise RedisTimeout
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise RedisTimeout from error


async def test_it_ends_though_its_cancellation_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.limits.shared._PROBE_S", 0)
    redis = LosesCancellations("redis://127.0.0.1:1", timeout_s=PATIENT_S, lease_s=60)
    limiter = Limiter(now_ms=lambda: 0, redis=redis)
    await limiter.start()
    await eventually_async(lambda: redis.asked == 2)

    async with asyncio.timeout(TIMEOUT_S):
        await limiter.stop()


async def test_slots_outlive_a_redis_that_lost_them(redis: RedisServer, make: Make) -> None:
    """Calls that are in flight when an empty Redis comes up count there as before."""
    first, second = await make(redis), await make(redis)
    leases = await admitted([first], 3, slots(4))
    redis.kill()
    await admitted([first, second], 2, rpm(100))
    redis.start()
    await eventually_async(lambda: not first.is_falling_back and not second.is_falling_back, timeout_s=30)
    assert len(await admitted([second], 5, slots(4))) == 1
    for lease in leases:
        first.give_back(lease, 0)
    with Redis.from_url(redis.url()) as client:
        await eventually_async(lambda: client.zcard("opscenter:limits:key:1:concurrency") == 1)


async def test_slots_are_renewed_with_every_heartbeat(redis: RedisServer, make: Make, settings: Settings) -> None:
    settings.HEARTBEAT_S = 0.05
    limiter = await make(redis)
    await admitted([limiter], 1, slots(1))
    with Redis.from_url(redis.url()) as client:
        name = "opscenter:limits:key:1:concurrency"
        ((_, before),) = client.zrange(name, 0, -1, withscores=True)
        await eventually_async(lambda: client.zrange(name, 0, -1, withscores=True)[0][1] > before)


async def test_a_connection_lost_in_idleness_is_made_anew_at_once(
    redis: RedisServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = await make(redis)
    with Redis.from_url(redis.url()) as client:
        client.client_kill_filter(_type="normal", skipme=True)
        client.script_flush()
    assert len(await admitted([limiter], 50, rpm(20))) == 20
    assert told_of(caplog) == []


async def test_a_script_that_redis_forgot_is_loaded_again(redis: RedisServer, make: Make) -> None:
    limiter = await make(redis)
    with Redis.from_url(redis.url()) as client:
        client.script_flush()
    assert len(await admitted([limiter], 50, rpm(20))) == 20
    assert not limiter.is_falling_back


async def test_memory_forgets_counters_that_ran_out(make: Make, settings: Settings) -> None:
    settings.HEARTBEAT_S = 0.05
    clock = Clock()
    limiter = Limiter(now_ms=lambda: clock.now_ms)
    await limiter.start()
    await admitted([limiter], 3, rpm(20))
    assert limiter._memory._windows
    clock.advance(61_000)
    await eventually_async(lambda: not limiter._memory._windows)
    await limiter.stop()


@pytest.mark.django_db(transaction=True)
def test_only_calls_with_limits_ask_redis(
    transactional_db: None, alice: Api, redis: RedisServer, upstream: Upstream, settings: Settings
) -> None:
    settings.REDIS_URL, settings.LIMITS_TIMEOUT_S = redis.url(), PATIENT_S
    alice.model(on_server(alice.server(base_url=upstream.origin), "test-model"))
    bob = person("bob", "LLM user")
    free, limited = key_of(bob).plaintext, key_of(bob, limits=Limits(rpm=2)).plaintext
    with InProcess() as serving, Redis.from_url(redis.url()) as client:
        assert serving.chat(free, model="m1").status_code == 200
        assert "cmdstat_evalsha" not in client.info("commandstats")
        assert [serving.chat(limited, model="m1").status_code for _ in range(3)] == [200, 200, 429]
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] >= 3
        assert client.keys("opscenter:limits:*") == [
            f"opscenter:limits:key:{VirtualKey.objects.latest('pk').pk}:rpm".encode()
        ]
