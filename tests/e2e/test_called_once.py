"""Idempotency-Key over two real workers: one call and one charge, whoever is asked and whoever dies in between."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.world import HELLO, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

WORKERS = 2
AT_ONCE = 24
PATIENCE_S = 60
HASTY = {"LEASE_S": "6", "HEARTBEAT_S": "0.3", "SWEEP_INTERVAL_S": "1", "RECORD_LOST_CALLS_INTERVAL_S": "1"}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream, postgres: PostgresServer, redis: RedisServer) -> Iterator[World]:
    environment = {**HASTY, "REDIS_URL": redis.url()}
    with LiveServer(workers=WORKERS, database_url=postgres.url(), environment=environment) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for name in ("gated", "long", "silent", "early"):
            world.offer(name, [{"server": server, "model": name}])
        world.wait_for_all_workers("gated", "long", "silent", "early")
        yield world
        world.books_balance()
        world.close()


def send(world: World, key: str, model: str, **fields: Any) -> httpx.Response:
    """Over a connection of its own, which falls on any worker; no `key`, no header."""
    body = {"model": model, "messages": HELLO, "max_tokens": 200, **fields}
    headers = world.bearer() | ({"Idempotency-Key": key} if key else {})
    url = f"{world.live.url}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S, verify=WITHOUT_TLS)


def outcome(answer: httpx.Response) -> str:
    """The code of an error, or whether it is an answer that was there already."""
    if answer.status_code != 200:
        return str(answer.json()["error"]["code"])
    return "replayed" if "idempotent-replayed" in answer.headers else "made"


def charges(world: World) -> int:
    ((number,),) = world.live.query("SELECT COUNT(*) FROM credits_journals WHERE idempotency_key LIKE 'usage:%'")
    return int(number)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_sent_many_times_at_once_to_all_workers_is_one_call_and_one_charge(
    world: World, upstream: Upstream, stream: bool
) -> None:
    before, key = charges(world), f"at once, {stream}"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # As many calls as are sent, where nothing says that they are one.
        assert {answer.status_code for answer in pool.map(lambda _: send(world, "", "gated"), range(4))} == {200}
        assert (len(upstream.calls.for_model("gated")), charges(world) - before) == (4, 4)

        upstream.behave("gated", "gate:3" if stream else "slow-first-byte:0.2")
        futures = [pool.submit(send, world, key, "gated", stream=stream) for _ in range(AT_ONCE)]
        eventually(lambda: len(upstream.calls.for_model("gated")) > 4, PATIENCE_S)
        if stream:
            eventually(lambda: sum(future.done() for future in futures) == AT_ONCE - 1, PATIENCE_S)
        upstream.release()
        answers = [future.result() for future in futures]
        again = list(pool.map(lambda _: send(world, key, "gated", stream=stream), range(AT_ONCE)))

    counted = Counter(map(outcome, answers))
    assert counted["made"] == 1 and set(counted) <= {"made", "replayed", "idempotent_call_in_progress"}, counted
    assert Counter(map(outcome, again)) == {"replayed": AT_ONCE}
    first = next(answer for answer in answers if outcome(answer) == "made")
    assert {(answer.content, answer.headers["x-request-id"]) for answer in again} == {
        (first.content, first.headers["x-request-id"])
    }
    assert first.text.endswith("data: [DONE]\n\n") is stream
    assert outcome(send(world, key, "gated", stream=stream, max_tokens=7)) == "idempotency_key_reused"
    assert (len(upstream.calls.for_model("gated")), charges(world) - before) == (5, 5)


def test_killed_workers_leave_calls_that_are_charged_once_or_made_again(world: World, upstream: Upstream) -> None:
    """In mid-stream, before the first byte, between the stored answer and its settle, and before there was a hold."""
    upstream.behave("long", "chunks:3000:0.02+ignore-max-tokens")
    upstream.behave("silent", "slow-first-byte:60", "ok")
    upstream.behave("gated", "gate:0")
    before = charges(world)
    with ThreadPoolExecutor(4) as pool:
        lost: dict[str, Future[httpx.Response]] = {}
        for key, fields in (("long", {"stream": True}), ("silent", {}), ("gated", {})):
            lost[key] = pool.submit(send, world, key, key, **fields)
            eventually(partial(upstream_was_asked, upstream, key), PATIENCE_S)
        eventually(lambda: delivered(world), PATIENCE_S)
        with wallets_locked(world):
            upstream.release()
            eventually(lambda: stored(world, "gated"), PATIENCE_S)
            lost["early"] = pool.submit(send, world, "early", "early")
            eventually(lambda: is_claimed(world, "early"), PATIENCE_S)
            for pid in world.live.web_workers:
                world.live.kill_worker(pid)
        assert broke(lost["long"]) and broke(lost["silent"])

    def again(key: str, **fields: Any) -> httpx.Response:
        answer = eventually(lambda: reached(lambda: send(world, key, key, **fields)), PATIENCE_S)
        assert answer is not None
        return answer

    # Nobody has swept yet: who was being answered still is, as far as anybody knows.
    assert outcome(again("long", stream=True)) == "idempotent_call_in_progress"
    assert outcome(again("silent")) == "idempotent_call_in_progress"
    kept = again("gated")
    assert (outcome(kept), kept.json()["choices"][0]["finish_reason"]) == ("replayed", "stop")

    world.live.start_worker()
    eventually(lambda: world.open_holds() == 0, PATIENCE_S, what=lambda: world.live.log[-4000:])
    cut = send(world, "long", "long", stream=True)
    assert outcome(cut) == "idempotent_answer_lost"
    assert float(cut.json()["error"]["details"]["charged_credits"]) > 0
    assert outcome(send(world, "silent", "silent")) == "made"
    eventually(lambda: outcome(send(world, "early", "early")) in ("made", "replayed"), PATIENCE_S)
    assert outcome(send(world, "gated", "gated")) == "replayed"
    calls = {model: len(upstream.calls.for_model(model)) for model in ("long", "silent", "gated", "early")}
    assert calls == {"long": 1, "silent": 2, "gated": 1, "early": 1}
    # What was stored and never settled is the operator's; each of the others was charged once.
    assert charges(world) - before == 3


@contextmanager
def wallets_locked(world: World) -> Iterator[None]:
    """Neither reserves nor settles come through meanwhile."""
    with psycopg.connect(world.live.database_url) as connection:
        connection.execute("SELECT id FROM llm_credits WHERE kind = 'wallet' FOR UPDATE")
        yield
        connection.rollback()


def delivered(world: World) -> int:
    ((tokens,),) = world.live.query("SELECT MAX(delivered_tokens) FROM credits_holds WHERE state = 'HELD'")
    return int(tokens)


def upstream_was_asked(upstream: Upstream, model: str) -> bool:
    return bool(upstream.calls.for_model(model))


def stored(world: World, key: str) -> bool:
    return bool(world.live.query(f"SELECT 1 FROM gateway_idempotent_calls WHERE answer <> '' AND key = '{key}'"))


def is_claimed(world: World, key: str) -> bool:
    return bool(world.live.query(f"SELECT 1 FROM gateway_idempotent_calls WHERE key = '{key}'"))


def broke(future: "Future[httpx.Response]") -> bool:
    return isinstance(future.exception(PATIENCE_S), httpx.TransportError)


def reached(send: Callable[[], httpx.Response]) -> httpx.Response | None:
    """None while no worker is up again."""
    try:
        answer = send()
    except httpx.TransportError:
        return None
    return None if answer.status_code == 503 else answer
