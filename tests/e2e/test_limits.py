"""Limits over real workers: exact with Redis, a share each without it, and neither open nor shut when it fails."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.world import HELLO, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.redis_server import RedisServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

WORKERS = 2
CONNECTIONS = 24
PAUSE_S = 0.02
AWAY, BACK = "limits: Redis is away", "limits: Redis is back"
# A starved machine is no reason to go on without Redis here.
PATIENT = {"LIMITS_TIMEOUT_S": "10"}
HASTY = {"LIMITS_TIMEOUT_S": "0.2", "LEASE_S": "2", "HEARTBEAT_S": "0.4", "DRAIN_S": "1"}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream, redis: RedisServer) -> Iterator[World]:
    with LiveServer(workers=WORKERS, environment={**PATIENT, "REDIS_URL": redis.url()}) as live:
        yield from offering(live, running_upstream_server)


@pytest.fixture(scope="module")
def alone(running_upstream_server: Upstream) -> Iterator[World]:
    """The same without Redis."""
    with LiveServer(workers=WORKERS, environment={"REDIS_URL": ""}) as live:
        yield from offering(live, running_upstream_server)


def offering(live: LiveServer, upstream: Upstream) -> Iterator[World]:
    world = World(live)
    server = world.add_server("upstream", upstream.base_url)
    world.offer("quick", [{"server": server, "model": "plain"}])
    world.offer("slow", [{"server": server, "model": "slow-model"}])
    world.wait_for_all_workers("quick", "slow")
    yield world
    world.books_balance()
    world.close()


def new_key(world: World, user: str, **limits: int) -> str:
    options = [text for name, limit in limits.items() for text in (f"--{name}", str(limit))]
    printed = world.live.manage(
        "create_virtual_key", "--user", user, "--tier", "starter", "--credits", "9999", *options
    )
    return printed.strip().splitlines()[-1]


def call(world: World, key: str, model: str = "quick") -> httpx.Response:
    """Over a connection of its own, which falls on any worker."""
    body = {"model": model, "messages": HELLO, "max_tokens": 20}
    url = f"{world.live.url}/v1/chat/completions"
    return httpx.post(url, json=body, headers=world.bearer(key), timeout=60, verify=WITHOUT_TLS)


def statuses(world: World, key: str, calls: int, model: str = "quick") -> Counter[int]:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return Counter(answer.status_code for answer in pool.map(lambda _: call(world, key, model), range(calls)))


def test_exactly_as_many_requests_a_minute_are_admitted_over_all_workers(world: World) -> None:
    """In less than a minute, so that none of them has left the window; as many are refused as came too many."""
    key = new_key(world, "rita", rpm=40)
    assert statuses(world, key, 120) == {200: 40, 429: 80}
    refused = call(world, key)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"


def test_exactly_as_many_calls_are_in_flight_over_all_workers(world: World, upstream: Upstream) -> None:
    key = new_key(world, "carl", concurrency=7)
    upstream.behave("slow-model", "gate:0")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        futures = [pool.submit(call, world, key, "slow") for _ in range(CONNECTIONS)]
        try:
            eventually(lambda: sum(future.done() for future in futures) >= CONNECTIONS - 7, timeout_s=60)
            eventually(lambda: len(upstream.calls.for_model("slow-model")) == 7, timeout_s=30)
        finally:
            upstream.release()
        counted = Counter(future.result().status_code for future in futures)
    assert counted == {200: 7, 429: CONNECTIONS - 7}
    assert len(upstream.calls.for_model("slow-model")) == 7
    eventually(lambda: call(world, key).status_code == 200)


def test_no_more_tokens_a_minute_are_used_over_all_workers(world: World, upstream: Upstream) -> None:
    upstream.behave("plain", "usage:60:20")
    key = new_key(world, "tom", tpm=2000)
    eventually(lambda: not statuses(world, key, CONNECTIONS)[200], timeout_s=50)
    used = 80 * len(upstream.calls.for_model("plain"))
    # A call reserves its body's bytes and 20 tokens of output: the last one is refused with less than that left.
    assert 2000 - 300 <= used <= 2000


def test_without_redis_each_worker_gives_out_its_share_which_is_one_at_least(alone: World) -> None:
    key = new_key(alone, "nora", rpm=40)
    assert 40 // WORKERS <= statuses(alone, key, 120)[200] <= 40
    # What exactness needs Redis for: here more than the limit comes through.
    tight = new_key(alone, "olga", rpm=1)
    served: Counter[int] = Counter()

    def more_than_the_limit() -> bool:
        served.update(statuses(alone, tight, CONNECTIONS))
        return served[200] > 1

    eventually(more_than_the_limit, timeout_s=30)
    assert served[200] == WORKERS


def survives(
    world: World, tight: str, answers: Counter[int], *, fail: Callable[[], None], mend: Callable[[], None]
) -> None:
    """Redis is gone and comes back while `answers` goes on growing; `tight` is a key of 40 requests a minute."""
    served_more(answers)
    gone, back = world.live.log.count(AWAY), world.live.log.count(BACK)
    fail()
    eventually(lambda: world.live.log.count(AWAY) > gone, timeout_s=30)
    served_more(answers)
    limited = statuses(world, tight, 90)
    assert set(limited) <= {200, 429} and limited[200] <= 2 * 40, limited
    mend()
    eventually(lambda: world.live.log.count(BACK) > back, timeout_s=30)
    eventually(lambda: world.live.log.count(AWAY) == world.live.log.count(BACK), timeout_s=30)


def served_more(answers: Counter[int]) -> None:
    already = answers[200]
    eventually(lambda: answers[200] > already + 40, timeout_s=60)


@pytest.fixture(scope="module")
def hasty(running_upstream_server: Upstream) -> Iterator[tuple[World, RedisServer]]:
    redis = RedisServer()
    redis.start()
    try:
        with LiveServer(workers=WORKERS, environment={**HASTY, "REDIS_URL": redis.url()}) as live:
            for world in offering(live, running_upstream_server):
                yield world, redis
    finally:
        redis.destroy()


def test_a_redis_frozen_and_killed_under_load_fails_no_call_and_opens_no_limit(
    hasty: tuple[World, RedisServer],
) -> None:
    world, redis = hasty
    roomy, tight = new_key(world, "rick", rpm=1_000_000, concurrency=1000), new_key(world, "tina", rpm=40)
    answers: Counter[int] = Counter()
    stop = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=world.live.url, timeout=60) as client:
            body = {"model": "quick", "messages": HELLO, "max_tokens": 20}
            while not stop.wait(PAUSE_S):
                answer = client.post("/v1/chat/completions", json=body, headers=world.bearer(roomy))
                answers[answer.status_code] += 1

    clients = [threading.Thread(target=load) for _ in range(8)]
    for client in clients:
        client.start()
    try:
        survives(world, tight, answers, fail=redis.freeze, mend=redis.thaw)
        survives(world, tight, answers, fail=redis.kill, mend=redis.start)
    finally:
        stop.set()
        for client in clients:
            client.join(60)
    assert set(answers) == {200}, answers


def test_the_slots_of_a_killed_worker_come_back(hasty: tuple[World, RedisServer], upstream: Upstream) -> None:
    world, _ = hasty
    key = new_key(world, "kate", concurrency=3)
    upstream.behave("slow-model", "gate:0")
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(call, world, key, "slow")
        eventually(lambda: len(upstream.calls.for_model("slow-model")) == 3, timeout_s=30)
        assert call(world, key).status_code == 429
        for pid in world.live.web_workers:
            world.live.kill_worker(pid)
    eventually(lambda: answers(world, key), timeout_s=60, what=lambda: world.live.log[-3000:])
    world.live.manage("sweep_holds")


def answers(world: World, key: str) -> bool:
    try:
        return call(world, key).status_code == 200
    except httpx.HTTPError:
        return False
