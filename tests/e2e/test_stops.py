"""Workers that are told to stop in the middle of streams: no hold is left, and the books balance."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from tests.e2e.world import HELLO, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

STREAMS = 8
HASTY = {"HEARTBEAT_S": "0.2", "SHUTDOWN_GRACE_S": "1", "DRAIN_S": "1"}
SLOW = "fault:chunks:400:0.02+ignore-max-tokens"
SILENT = "fault:slow-first-byte:60"
# More than may go on without their clients.
CALLS = 48


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=2, environment=HASTY) as live:
        world = World(live)
        server = {"server": world.add_server("upstream", running_upstream_server.base_url)}
        world.offer("slow", [server | {"model": SLOW}])
        world.offer("silent", [server | {"model": SILENT}])
        world.wait_for_all_workers("slow", "silent")
        yield world
        world.close()


class Readers:
    """Clients in the middle of a stream each, until it breaks or ends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.begun = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self._read) for _ in range(STREAMS)]
        for thread in self.threads:
            thread.start()
        for _ in self.threads:
            assert self.begun.acquire(timeout=20)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()

    def _read(self) -> None:
        body = {"model": "slow", "messages": HELLO, "max_tokens": 500, "stream": True}
        with httpx.Client(base_url=self.world.live.url, timeout=20) as client:
            try:
                with client.stream("POST", "/v1/chat/completions", json=body, headers=self.world.bearer()) as answer:
                    for number, _ in enumerate(answer.iter_lines()):
                        if number == 10:
                            self.begun.release()
            except httpx.HTTPError:
                pass


def test_an_orderly_stop_ends_every_stream_and_writes_every_row_and_what_brought_nothing_is_free(
    world: World,
) -> None:
    def call() -> None:
        with suppress(httpx.HTTPError):
            url = f"{world.live.base_url}/chat/completions"
            httpx.post(url, json=body, headers=world.bearer(), timeout=60, verify=WITHOUT_TLS)

    body = {"model": "silent", "messages": HELLO, "max_tokens": 500}
    readers = Readers(world)
    with ThreadPoolExecutor(CALLS) as pool:
        for _ in range(CALLS):
            pool.submit(call)
        eventually(lambda: world.open_holds() == STREAMS + CALLS, 30)
        world.live.stop()
    readers.join()
    assert world.open_holds() == 0
    rows = world.live.query("SELECT billing_basis, charged_nano FROM llm_requests WHERE model = 'slow'")
    assert len(rows) == STREAMS
    assert all(basis == "counted" and charged > 0 for basis, charged in rows), rows
    rows = world.live.query("SELECT billing_basis, charged_nano FROM llm_requests WHERE model = 'silent'")
    assert rows == [("void", 0)] * CALLS
    ended = world.live.query("SELECT state, COUNT(*) FROM credits_holds GROUP BY state ORDER BY state")
    assert ended == [("CAPTURED", STREAMS), ("VOIDED", CALLS)]
    world.books_balance()
