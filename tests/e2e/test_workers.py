"""Several web workers: what one is told, all know within a second."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.world import HELLO, WITHOUT_TLS, World
from tests.live import LiveServer
from tests.upstream import Upstream

WORKERS = 2
CONNECTIONS = 16


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=WORKERS) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        world.wait_for_all_workers("quick")
        yield world
        world.books_balance()
        world.close()


def call_over_new_connection(world: World, key: str) -> int:
    body = {"model": "quick", "messages": HELLO, "max_tokens": 20}
    url = f"{world.live.url}/v1/chat/completions"
    answer = httpx.post(url, json=body, headers=world.bearer(key), timeout=30, verify=WITHOUT_TLS)
    return answer.status_code


def test_a_new_key_works_at_once_and_a_revoked_one_nowhere_after_a_second(world: World) -> None:
    key = world.new_key("dora", credits=1000)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # Every worker looks it up, and so knows it, before it is revoked.
        assert set(pool.map(lambda _: call_over_new_connection(world, key), range(CONNECTIONS))) == {200}
        world.live.manage(
            "shell",
            "-v0",
            "-c",
            "from gateway.models import VirtualKey; from gateway.services import keys; "
            "keys.revoke(VirtualKey.objects.get(user__username='dora'))",
        )
        revoked = time.monotonic()
        statuses = {200}
        while statuses != {401} and time.monotonic() - revoked < 20:
            statuses = set(pool.map(lambda _: call_over_new_connection(world, key), range(CONNECTIONS)))
        assert statuses == {401}
        assert call_over_new_connection(world, world.key) == 200


def test_concurrent_calls_over_all_workers_never_overspend_one_wallet(world: World) -> None:
    key = world.new_key("erik", credits=10)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        statuses = list(pool.map(lambda _: call_over_new_connection(world, key), range(200)))
    assert set(statuses) == {200, 402}
    balance = world.credits(key)
    assert float(balance["balance"]) >= 0
    world.books_balance()
