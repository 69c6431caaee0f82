"""Clients that take nothing of their streams: the upstream is kept waiting, memory is bounded, others are served."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.world import HELLO, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

READERS = 8
ENDLESS = "fault:endless:0.00001+ignore-max-tokens"
# A stream holds what the server buffers for its client and what it has read ahead of its upstream; the rest is noise.
MOST_BYTES_PER_READER = 2 * 1024 * 1024
STILL_S = 1.0
PATIENCE_S = 120


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    # Nobody is dropped within the test.
    patient = {"CLIENT_IDLE_TIMEOUT_S": "600", "DRAIN_S": "1"}
    with LiveServer(workers=1, environment=patient) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        world.offer("endless", [{"server": server, "model": ENDLESS}], max_output_tokens=100_000)
        world.wait_for("quick", "endless")
        yield world
        world.close()


def begin_to_read_nothing(world: World) -> socket.socket:
    body = json.dumps({"model": "endless", "messages": HELLO, "max_tokens": 100_000, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", world.live.port))
    client.sendall(f"{head}Authorization: Bearer {world.key}\r\n\r\n".encode() + body)
    return client


def sent(upstream: Upstream) -> list[int]:
    return [call.events_sent for call in upstream.calls.for_model(ENDLESS)]


class Standstill:
    """Whether the upstream, which would send for ever, has sent nothing more for a while."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._last: list[int] = []
        self._since = 0.0

    def __call__(self) -> bool:
        now = sent(self._upstream)
        if now != self._last or len(now) < READERS or not all(now):
            self._last, self._since = now, time.monotonic()
        return time.monotonic() - self._since > STILL_S


def memory_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_streams_that_nobody_reads_keep_their_upstreams_waiting_and_nobody_else(
    world: World, upstream: Upstream
) -> None:
    (worker,) = world.live.web_workers
    assert world.chat("quick").status_code == 200
    before = memory_of(worker)
    with ExitStack() as connected:
        for _ in range(READERS):
            connected.callback(begin_to_read_nothing(world).close)
        eventually(Standstill(upstream), PATIENCE_S, what=lambda: f"sent {sent(upstream)}")
        assert world.open_holds() == READERS
        assert memory_of(worker) - before < READERS * MOST_BYTES_PER_READER
        assert world.chat("quick").status_code == 200
        assert not any(call.ended for call in upstream.calls.for_model(ENDLESS))

    eventually(lambda: world.open_holds() == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    ended = "SELECT status, COUNT(*) FROM llm_requests WHERE charged_nano > 0 AND requested_model = 'endless'"
    eventually(lambda: world.live.query(f"{ended} GROUP BY status") == [("disconnected", READERS)], PATIENCE_S)
    world.books_balance()
