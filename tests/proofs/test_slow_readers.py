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
from tests.proofs.figures import Figures, spread
from tests.upstream import Upstream

pytestmark = pytest.mark.once

CALLS_MEANWHILE = 50
# An answer may be so long, which is more than all buffers on the way take.
MOST_TOKENS, CHOICES = 100_000, 20
# Words that soon fill what lies between the upstream and the client.
ENDLESS = "fault:endless:0.00001:8000+ignore-max-tokens"
# What the worker may grow by: for itself, and for each stream, of which it holds what its client has not taken yet
# and what it has read ahead of its upstream.
MOST_BYTES, MOST_BYTES_PER_READER = 16 << 20, 5 << 18
STILL_S = 2.0
PATIENCE_S = 200


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    # Nobody is dropped within the test.
    patient = {"CLIENT_IDLE_TIMEOUT_S": "600", "DRAIN_S": "1"}
    with LiveServer(workers=1, environment=patient) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        endless = [{"server": server, "model": ENDLESS}]
        world.offer("endless", endless, price="0.01", max_output_tokens=MOST_TOKENS)
        world.wait_for("quick", "endless")
        yield world
        world.close()


def begin_to_read_nothing(world: World, key: str) -> socket.socket:
    asked = {"model": "endless", "messages": HELLO, "max_tokens": MOST_TOKENS, "n": CHOICES, "stream": True}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", world.live.port))
    client.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n".encode() + body)
    return client


def sent(upstream: Upstream) -> list[int]:
    return [call.events_sent for call in upstream.calls.for_model(ENDLESS)]


class Standstill:
    """Whether the upstream, which would send for ever, has sent nothing more for a while."""

    def __init__(self, upstream: Upstream, streams: int) -> None:
        self._upstream = upstream
        self._streams = streams
        self._last: list[int] = []
        self._since = 0.0

    def __call__(self) -> bool:
        now = sent(self._upstream)
        if now != self._last or len(now) < self._streams or not all(now):
            self._last, self._since = now, time.monotonic()
        return time.monotonic() - self._since > STILL_S


def memory_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.proof(13, "Clients that read nothing of their streams, and one that does")
def test_streams_that_nobody_reads_keep_their_upstreams_waiting_and_nobody_else(
    world: World, upstream: Upstream, figures: Figures
) -> None:
    readers = figures.times(reduced=8, whole=500)
    (worker,) = world.live.web_workers
    key = world.new_key("rich", credits=1_000_000)
    assert world.chat("quick").status_code == 200
    before = memory_of(worker)
    with ExitStack() as connected:
        for _ in range(readers):
            connected.callback(begin_to_read_nothing(world, key).close)
        eventually(Standstill(upstream, readers), PATIENCE_S, what=lambda: f"sent {sent(upstream)}")
        assert world.open_holds() == readers
        grown = memory_of(worker) - before
        assert grown < MOST_BYTES + readers * MOST_BYTES_PER_READER
        took = [seconds_of_a_call(world) for _ in range(CALLS_MEANWHILE)]
        assert not any(call.ended for call in upstream.calls.for_model(ENDLESS))
    figures.saw("streams that nobody reads", readers)
    figures.saw("chunks that the upstream could send of each, at most", max(sent(upstream)))
    figures.saw("memory of the worker grew by, MiB", round(grown / 2**20))
    figures.saw("calls of another client meanwhile, all answered", len(took))
    figures.saw("how long they took", spread(took))

    eventually(lambda: world.open_holds() == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    ended = "SELECT status, COUNT(*) FROM llm_requests WHERE charged_nano > 0 AND requested_model = 'endless'"
    eventually(lambda: world.live.query(f"{ended} GROUP BY status") == [("disconnected", readers)], PATIENCE_S)
    world.books_balance()
    figures.saw("of them charged once for what was delivered, the books balanced", readers)


def seconds_of_a_call(world: World) -> float:
    began = time.monotonic()
    assert world.chat("quick").status_code == 200
    return time.monotonic() - began
