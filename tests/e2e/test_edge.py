"""The edge as strangers meet it, over raw sockets: what is too long, too slow or no HTTP is refused at little cost."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.raw import status_of_next
from tests.e2e.world import HELLO, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

TIMEOUTS = {
    "HEADER_TIMEOUT_S": "1",
    "BODY_TIMEOUT_S": "1",
    "BODY_MIN_BYTES_PER_S": "100000",
    "CLIENT_IDLE_TIMEOUT_S": "1",
    "MAX_BODY_BYTES": "2000000",
    "BODY_BUDGET_BYTES": "3000000",
}
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=1, environment=TIMEOUTS) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        world.offer("endless", [{"server": server, "model": "fault:endless:0.00001+ignore-max-tokens"}])
        world.wait_for("quick", "endless")
        yield world
        world.books_balance()
        world.close()


@contextmanager
def connected(world: World) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", world.live.port), timeout=PATIENCE_S) as client:
        yield client


def answer_of(client: socket.socket) -> tuple[int, bytes]:
    """The status and all that comes until the server closes; 0 where it closes without an answer."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return (int(received.split(b" ", 2)[1]) if received else 0), received


def bearer(world: World) -> bytes:
    return f"Authorization: Bearer {world.key}\r\n".encode()


def still_serves(world: World) -> None:
    assert world.chat("quick").status_code == 200


def memory_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_a_strangers_large_body_is_refused_unread(world: World) -> None:
    (worker,) = world.live.web_workers
    before = memory_of(worker)
    with connected(world) as client:
        client.sendall(HEAD + b"Content-Length: 1900000\r\n\r\n")
        status, answer = answer_of(client)
    assert status == 401
    assert b"connection: close" in answer.lower()
    assert memory_of(worker) - before < 1_000_000


def test_a_stranger_who_sends_before_reading_learns_why(world: World) -> None:
    with connected(world) as client:
        client.sendall(HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000)
        status, answer = answer_of(client)
    assert status == 401
    assert b'"invalid_api_key"' in answer


def test_a_wrong_key_on_a_small_body_keeps_the_connection(world: World) -> None:
    with connected(world) as client:
        for _ in range(2):
            client.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            assert status_of_next(client) == 401


def test_a_stranger_is_not_told_to_continue(world: World) -> None:
    with connected(world) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
        status, answer = answer_of(client)
    assert status == 401
    assert b"100 Continue" not in answer


def test_a_slow_body_is_a_408(world: World) -> None:
    with connected(world) as client:
        client.sendall(HEAD + bearer(world) + b'Content-Length: 1000\r\n\r\n{"model"')
        status, answer = answer_of(client)
    assert status == 408
    assert b'"request_timeout"' in answer
    still_serves(world)


def test_a_body_that_comes_fast_enough_may_take_longer(world: World) -> None:
    body = json.dumps({"model": "quick", "max_tokens": 5, "messages": [{"role": "user", "content": "a" * 1_500_000}]})
    parts = [body.encode()[at : at + 150_000] for at in range(0, len(body), 150_000)]
    with connected(world) as client:
        client.sendall(HEAD + bearer(world) + f"Content-Length: {len(body)}\r\n\r\n".encode())
        for number, part in enumerate(parts):
            # Twice the time that is granted without regard to the pace.
            due = time.monotonic() + 2 / len(parts) if number else 0
            eventually(lambda due=due: time.monotonic() >= due)  # type: ignore[misc]  # mypy can't infer its default
            client.sendall(part)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_headers_that_trickle_end_the_connection(world: World) -> None:
    with connected(world) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nX-")
        assert answer_of(client) == (0, b"")


def test_a_connection_that_says_nothing_is_ended(world: World) -> None:
    with connected(world) as client:
        assert answer_of(client) == (0, b"")


def test_empty_lines_between_requests_do_not_keep_a_connection(world: World) -> None:
    with connected(world) as client:
        client.sendall(HEAD.replace(b"POST", b"GET") + b"\r\n")
        assert status_of_next(client) == 401
        client.sendall(b"\r\n")
        assert answer_of(client) == (0, b"")


@pytest.mark.parametrize(
    "headers",
    [b"X-A: 1\r\n" * 101, b"X-A: " + b"1" * 70_000 + b"\r\n", b"X-A: " + b"1" * 300_000 + b"\r\n"],
    ids=["many", "large", "larger-than-a-read"],
)
def test_too_many_or_too_large_headers_are_a_431(world: World, headers: bytes) -> None:
    with connected(world) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n")
        status, answer = answer_of(client)
    assert status == 431
    assert b'"headers_too_large"' in answer


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        b"X-A: a\rb\r\nContent-Length: 2\r\n\r\n{}",
        b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
        b"\0: a\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=repr,
)
def test_what_two_servers_could_read_differently_is_a_400(world: World, headers: bytes) -> None:
    with connected(world) as client:
        client.sendall(HEAD + bearer(world) + headers)
        status, answer = answer_of(client)
    assert status == 400
    assert b'"invalid_http"' in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_what_follows_a_request_to_change_protocols_is_no_request(world: World) -> None:
    hidden = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + bearer(world) + b"\r\n"
    with connected(world) as client:
        client.sendall(HEAD + bearer(world) + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 200\r\n\r\n")
        client.sendall(hidden)
        _, answer = answer_of(client)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"quick" not in answer


def test_two_keys_are_no_key(world: World) -> None:
    with connected(world) as client:
        client.sendall(HEAD + bearer(world) + bearer(world) + b"Content-Length: 2\r\n\r\n{}")
        assert client.recv(65536).startswith(b"HTTP/1.1 401")


def test_a_page_that_takes_no_end_of_a_body_is_a_413(world: World) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with connected(world) as client:
        client.sendall(b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(1000):
                client.sendall(chunk)
    still_serves(world)


def test_a_client_that_reads_nothing_is_dropped_and_charged(world: World, upstream: Upstream) -> None:
    body = json.dumps({"model": "endless", "messages": HELLO, "max_tokens": 4000, "stream": True}).encode()
    with connected(world) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(HEAD + bearer(world) + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        eventually(lambda: world.live.query("SELECT 1 FROM llm_requests WHERE requested_model = 'endless'"), 60)
        row = world.settled_for("endless")
    assert (row["status"], row["state"]) == ("disconnected", "CAPTURED")
    assert row["charged"] > 0
