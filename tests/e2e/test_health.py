"""A server dies, is routed around, noticed and told of, and comes back: with real web workers and a real worker."""

import base64
import json
import os
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.world import HELLO, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.llmconfig.health.receiver import Receiver, running_receiver
from tests.upstream import Upstream, upstream_process

pytestmark = pytest.mark.once

INTERVAL_S = 4.0
# What a busy machine may take for itself: the queue of tasks, processes that wait for a CPU.
MACHINE_S = 30.0
FEW = 12


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def world(receiver: Receiver) -> Iterator[World]:
    environment = {
        "HEALTH_SERVER_INTERVAL_S": str(INTERVAL_S),
        "HEALTH_TICK_S": "0.5",
        # By itself no breaker would let a call through for as long as this takes.
        "BREAKER_OPEN_S": "600",
        "ALERT_WEBHOOK_URL": receiver.url,
        "ALERT_WEBHOOK_PRIVATE": "1",
        "ALERT_WEBHOOK_SECRET": f"whsec_{base64.b64encode(os.urandom(32)).decode()}",
    }
    with LiveServer(workers=2, environment=environment) as live:
        world = World(live)
        live.start_worker()
        yield world
        world.close()


@pytest.fixture
def port() -> Iterator[int]:
    """One where somebody may listen twice, and nobody else comes between."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def few_calls(world: World) -> set[tuple[int, str]]:
    """Status and attempts of calls over a new connection each, so that every worker has some."""
    body = {"model": "m", "messages": HELLO, "max_tokens": 20}
    answers = [
        httpx.post(
            f"{world.live.url}/v1/chat/completions",
            json=body,
            headers=world.bearer(),
            timeout=60,
            verify=WITHOUT_TLS,
        )
        for _ in range(FEW)
    ]
    return {(answer.status_code, answer.headers.get("x-ops-attempts", "")) for answer in answers}


def states(world: World) -> dict[str, str]:
    return {row["name"]: row["health_status"] for row in world.manage("GET", "servers?enabled_only=1")["results"]}


def become(world: World, within_s: float = MACHINE_S, **wanted: str) -> None:
    eventually(lambda: wanted.items() <= states(world).items(), within_s, what=lambda: world.live.log[-3000:])


def all_at_first(world: World, other: Upstream) -> bool:
    """Whether few calls are answered by their first attempt, and none of them by the other."""
    before = len(other.calls.for_model("b"))
    return few_calls(world) == {(200, "1")} and len(other.calls.for_model("b")) == before


def told(receiver: Receiver) -> list[tuple[str, str, str]]:
    news = [json.loads(body)["data"] for _, body in receiver.got]
    return [(one["name"], one["before"], one["after"]) for one in news]


def test_a_dead_server_is_routed_around_noticed_told_of_once_and_taken_back(
    world: World, upstream: Upstream, receiver: Receiver, port: int
) -> None:
    with upstream_process(port) as primary:
        first, second = world.add_server("first", primary.base_url), world.add_server("second", upstream.base_url)
        world.offer("m", [{"server": first, "model": "a"}, {"server": second, "model": "b", "priority": 1}])
        world.wait_for_all_workers("m")
        become(world, first="healthy", second="healthy")
        assert all_at_first(world, upstream)
        primary.kill()

    # Before any check can have noticed, by the calls' own failures.
    assert {status for status, _ in few_calls(world)} == {200}
    assert len(upstream.calls.for_model("b")) == FEW
    become(world, 2 * INTERVAL_S + MACHINE_S, first="unhealthy")
    # No worker so much as tries it.
    eventually(lambda: few_calls(world) == {(200, "1")}, MACHINE_S)
    outage = ("first", "healthy", "unhealthy")
    eventually(lambda: told(receiver) == [outage], MACHINE_S, what=lambda: str(told(receiver)))

    with upstream_process(port):
        become(world, 2 * INTERVAL_S + MACHINE_S, first="healthy")
        eventually(lambda: all_at_first(world, upstream), MACHINE_S)
        recovery = ("first", "unhealthy", "healthy")
        eventually(lambda: told(receiver) == [outage, recovery], MACHINE_S, what=lambda: str(told(receiver)))
    # Nor is anything more to be told, of the catalog's keys that nobody has entered yet either.
    assert world.live.query("SELECT COUNT(*) FROM core_alerts") == [(2,)]
