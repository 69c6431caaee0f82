"""Many clients that leave in one moment: most calls are ended at once, a few are read on, nothing stays held."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.counting import count_prompt, count_tokens
from tests.e2e.world import HELLO, NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

CLIENTS = 150
DRAIN_LIMIT = 8
EVENTS = 12
WORDS = [f" word{n}" for n in range(EVENTS - 1)]
# After the role and the words nothing comes until the test says so.
FAULT = f"fault:gate:{EVENTS}+chunks:40"
PATIENCE_S = 60


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    # Nothing is ended for its time within the test.
    patient = {"DRAIN_LIMIT": str(DRAIN_LIMIT), "DRAIN_S": "600", "CLIENT_IDLE_TIMEOUT_S": "600"}
    with LiveServer(workers=1, environment=patient) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("gated", [{"server": server, "model": FAULT}])
        world.wait_for("gated")
        yield world
        world.close()


class Client:
    """In the middle of a stream, over a socket of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._socket = socket.create_connection(("127.0.0.1", world.live.port), timeout=PATIENCE_S)

    def ask(self) -> None:
        body = json.dumps({"model": "gated", "messages": HELLO, "max_tokens": 100, "stream": True}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        self._socket.sendall(f"{head}Authorization: Bearer {self._world.key}\r\n\r\n".encode() + body)

    def read_until(self, text: str) -> None:
        received = b""
        while text.encode() not in received:
            part = self._socket.recv(65536)
            assert part, f"The stream ended after {received!r}."
            received += part

    def leave(self) -> None:
        self._socket.close()


def leave_at_once(world: World) -> None:
    """All streams are under way; their ends reach the server in one moment, as when a proxy before it dies."""
    (worker,) = world.live.web_workers
    with ExitStack() as open_clients:
        clients = []
        for _ in range(CLIENTS):
            clients.append(client := Client(world))
            open_clients.callback(client.leave)
            client.ask()
        for client in clients:
            client.read_until(WORDS[-1])
        assert world.open_holds() == CLIENTS
        os.kill(worker, signal.SIGSTOP)
    os.kill(worker, signal.SIGCONT)


def test_many_clients_that_leave_at_once_leave_no_hold_and_pay_what_was_delivered(
    world: World, upstream: Upstream
) -> None:
    leave_at_once(world)
    eventually(lambda: world.open_holds() == DRAIN_LIMIT, PATIENCE_S, what=lambda: world.live.log[-3000:])
    upstream.release()
    world.books_balance()
    eventually(lambda: world.live.query("SELECT COUNT(*) FROM llm_requests") == [(CLIENTS,)])

    counted = NANO_PER_TOKEN * (count_prompt(HELLO) + count_tokens("".join(WORDS)))
    rows = "SELECT billing_basis, COUNT(*), MIN(charged_nano), MAX(charged_nano) FROM llm_requests WHERE status = "
    by_basis = {basis: rest for basis, *rest in world.live.query(f"{rows}'disconnected' GROUP BY billing_basis")}
    assert by_basis["counted"] == [CLIENTS - DRAIN_LIMIT, counted, counted]
    reported = [call.usage["total_tokens"] * NANO_PER_TOKEN for call in upstream.calls]
    assert by_basis["provider"] == [DRAIN_LIMIT, min(reported), max(reported)]
    assert sum(call.finished for call in upstream.calls) == DRAIN_LIMIT
