"""The primary dies under load and the fallback answers; the consumer notices nothing and pays one attempt."""

import threading
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.world import HELLO, NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream, refusing_url, upstream_process

pytestmark = pytest.mark.once

CLIENTS = 8
CALLS = 30


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with LiveServer(workers=1, environment={"BREAKER_FAILURES": "3"}) as live:
        world = World(live)
        yield world
        world.books_balance()
        world.close()


def load(world: World, model: str | None, answers: Counter[str], halfway: threading.Event) -> None:
    with httpx.Client(base_url=world.live.url, timeout=30) as client:
        for number in range(CALLS):
            if number == CALLS // 3:
                halfway.set()
            body = {"messages": HELLO, "max_tokens": 50, **({"model": model} if model else {})}
            answer = client.post("/v1/chat/completions", json=body, headers=world.bearer())
            served_by = answer.headers.get("x-ops-model", "")
            answers[f"{answer.status_code} {served_by}"] += 1


@pytest.mark.parametrize("asked", ["auto", "by name"])
def test_the_primary_killed_mid_load_is_replaced_by_the_fallback(world: World, upstream: Upstream, asked: str) -> None:
    with upstream_process() as primary:
        name = asked.replace(" ", "-")
        first = world.add_server(f"primary-{name}", primary.base_url)
        second = world.add_server(f"fallback-{name}", upstream.base_url)
        if asked == "auto":
            world.manage(
                "POST",
                "active",
                {
                    "purpose": "chat",
                    "provider_type": "ai_server",
                    "provider_id": first,
                    "default_model": "first-model",
                    "fallback_provider_type": "ai_server",
                    "fallback_provider_id": second,
                    "fallback_model": "second-model",
                },
            )
            world.wait_for("first-model")
            model = None
        else:
            model = "two-deployments"
            world.offer(
                model,
                [{"server": first, "model": "a", "priority": 0}, {"server": second, "model": "b", "priority": 1}],
            )
            world.wait_for(model)
        answers: Counter[str] = Counter()
        halfway = threading.Event()
        clients = [threading.Thread(target=load, args=(world, model, answers, halfway)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        assert halfway.wait(30)
        primary.kill()
        for client in clients:
            client.join(60)
    assert sum(answers.values()) == CLIENTS * CALLS
    assert {status.split()[0] for status in answers} == {"200"}, answers
    assert upstream.calls


def test_only_the_attempt_that_answered_is_paid(world: World, upstream: Upstream) -> None:
    with refusing_url() as nobody:
        broken = world.add_server("broken", nobody)
        working = world.add_server("working", upstream.base_url)
        world.offer(
            "second-try",
            [{"server": broken, "model": "a", "priority": 0}, {"server": working, "model": "b", "priority": 1}],
        )
        world.wait_for("second-try")
        answer = world.chat("second-try")
    assert answer.status_code == 200
    assert answer.headers["x-ops-attempts"] == "2"
    usage = answer.json()["usage"]
    row = world.settled(answer.headers["x-request-id"])
    assert row["charged"] == (usage["prompt_tokens"] + usage["completion_tokens"]) * NANO_PER_TOKEN
    attempts = world.live.query(
        "SELECT n, outcome FROM llm_attempts WHERE request_id = "
        f"{world.id_literal(answer.headers['x-request-id'])} ORDER BY n"
    )
    assert [tuple(attempt) for attempt in attempts] == [(1, "unreachable"), (2, "answered")]


def test_a_stream_that_has_begun_does_not_fail_over(world: World, upstream: Upstream) -> None:
    server = world.add_server("begins", upstream.base_url)
    world.offer(
        "cut",
        [
            {"server": server, "model": "fault:chunks:9:0.05+reset-mid-stream", "priority": 0},
            {"server": server, "model": "fine", "priority": 1},
        ],
    )
    world.wait_for("cut")
    seen = world.stream("cut")
    assert seen.text and seen.error and not seen.done
    assert not upstream.calls.for_model("fine")


def test_a_single_failing_deployment_is_left_alone_by_the_breaker(world: World, upstream: Upstream) -> None:
    server = world.add_server("failing", upstream.base_url)
    world.offer("failing", [{"server": server, "model": "fault:status-500"}])
    world.wait_for("failing")
    for _ in range(3):
        assert world.chat("failing").status_code == 502
    called = len(upstream.calls)
    refused = world.chat("failing")
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "providers_unavailable"
    assert int(refused.headers["retry-after"]) >= 1
    assert len(upstream.calls) == called


def test_a_call_that_no_candidate_was_found_for_is_on_record(world: World) -> None:
    answer = world.chat("nobody-has-this")
    assert answer.status_code == 404
    literal = world.id_literal(answer.headers["x-request-id"])
    rows = eventually(
        lambda: world.live.query(f"SELECT status, error_code, charged_nano FROM llm_requests WHERE id = {literal}")
    )
    assert [tuple(row) for row in rows] == [("refused", "model_not_found", 0)]


def test_a_probe_by_address_is_answered_whatever_hosts_are_allowed(world: World) -> None:
    answer = world.http.get("/health/ready", headers={"Host": "10.1.2.3:8084"})
    assert answer.status_code == 200
