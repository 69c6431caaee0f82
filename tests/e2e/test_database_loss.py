"""Without its database the gateway refuses calls quickly and plainly; with it again it goes on by itself."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.world import World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

# Ten times what is promised: machines are slow at times. Who waited for the database would wait longer still.
REFUSAL_S = 20


@pytest.fixture(scope="module")
def world(postgres: PostgresServer, running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=1, database_url=postgres.url()) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        world.offer("slow", [{"server": server, "model": "fault:slow-first-byte:2"}])
        world.wait_for("quick", "slow")
        yield world
        world.close()


def refused_quickly(world: World) -> None:
    began = time.monotonic()
    answer = world.chat("quick")
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert time.monotonic() - began < REFUSAL_S


def test_calls_are_refused_without_the_database_and_served_again_with_it(
    world: World, postgres: PostgresServer, upstream: Upstream
) -> None:
    # The other test may have had it come back a moment ago.
    eventually(lambda: world.chat("quick").status_code == 200, timeout_s=20)
    called = len(upstream.calls)
    postgres.kill()
    # At once, when only the hold fails, and later, when the snapshot is stale: 503, not 401, and no call upstream.
    refused_quickly(world)
    eventually(lambda: world.http.get("/health/ready").status_code == 503, timeout_s=20)
    refused_quickly(world)
    assert world.http.get("/health/live").status_code == 200
    assert len(upstream.calls) == called
    postgres.start()
    eventually(lambda: world.chat("quick").status_code == 200, timeout_s=20)
    world.books_balance()


def test_an_answer_that_the_database_missed_is_delivered_and_settled_later(
    world: World, postgres: PostgresServer, upstream: Upstream
) -> None:
    with httpx.stream(
        "POST",
        f"{world.live.url}/v1/chat/completions",
        json={"model": "slow", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100, "stream": True},
        headers=world.bearer(),
        timeout=30,
    ) as answer:
        postgres.kill()
        lines = list(answer.iter_lines())
    assert lines[-2] == "data: [DONE]"
    request_id = answer.headers["x-request-id"]
    postgres.start()
    row = world.settled(request_id)
    assert (row["state"], row["basis"]) == ("CAPTURED", "provider")
    assert row["charged"] == row["journalled"] > 0
    world.books_balance()
