"""A restart under load, with clients that try nothing twice: no call is lost, and none is made twice."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.e2e.raw import status_of_next
from tests.e2e.world import HELLO, World, read_stream
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer
from tests.upstream import Upstream

pytestmark = pytest.mark.once

WORKERS = 2
CLIENTS = 6
# Without one, the new workers would wait for what their own load takes of the machine.
PAUSE_S = 0.05
# What idle connections are given in a stop; a starved client has to be faster.
IDLE_S = 5
STREAM = "fault:chunks:20:0.01"
GATED = "fault:gate:3+chunks:20"
READY_S = 90


@contextmanager
def serving(upstream: Upstream, *, workers: int) -> Iterator[World]:
    with LiveServer(workers=workers, environment={"SHUTDOWN_IDLE_S": str(IDLE_S)}) as live:
        world = World(live)
        server = world.add_server("upstream", upstream.base_url)
        world.offer("quick", [{"server": server, "model": "plain"}])
        world.offer("slow", [{"server": server, "model": STREAM}])
        world.offer("gated", [{"server": server, "model": GATED}])
        world.wait_for_all_workers("quick", "slow", "gated")
        yield world
        world.close()


@pytest.fixture
def world(upstream: Upstream) -> Iterator[World]:
    with serving(upstream, workers=WORKERS) as world:
        yield world


@pytest.fixture
def alone(upstream: Upstream) -> Iterator[World]:
    """With one worker, where it takes no other to show the point."""
    with serving(upstream, workers=1) as world:
        yield world


class Load:
    """Clients that call over kept-alive connections, plain and streamed in turns."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        self.outcomes: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._world.live.url, timeout=60) as http:
            while not self._ending.wait(PAUSE_S):
                for call in (self._plain, self._stream):
                    try:
                        self.outcomes[call(http)] += 1
                    except httpx.HTTPError as error:
                        self.outcomes[repr(error)] += 1

    def _plain(self, http: httpx.Client) -> str:
        body = {"model": "quick", "messages": HELLO, "max_tokens": 20}
        answer = http.post("/v1/chat/completions", json=body, headers=self._world.bearer())
        return "answered" if answer.status_code == 200 else answer.text

    def _stream(self, http: httpx.Client) -> str:
        body = {"model": "slow", "messages": HELLO, "max_tokens": 200, "stream": True}
        seen = read_stream(http, body, self._world.bearer())
        return "answered" if seen.done and not seen.broken else f"stream {seen.status} {seen.events[-1:]}"


def restart(world: World) -> None:
    before = set(world.live.web_workers)
    world.live.started[0].send_signal(signal.SIGHUP)
    eventually(
        lambda: len(now := set(world.live.web_workers)) == WORKERS and not now & before,
        READY_S * WORKERS,
        what=lambda: world.live.log[-4000:],
    )


def test_workers_are_replaced_under_load_without_a_lost_or_doubled_call(world: World, upstream: Upstream) -> None:
    load = Load(world)
    with load.running():
        restart(world)

    made = load.outcomes["answered"]
    assert load.outcomes == {"answered": made}
    assert len(upstream.calls) == made
    eventually(lambda: world.live.query("SELECT COUNT(*) FROM llm_requests") == [(made,)])
    assert world.live.query("SELECT COUNT(*) FROM credits_holds WHERE state = 'CAPTURED'") == [(made,)]
    world.books_balance()


def test_workers_stay_where_their_successors_can_not_read_the_configuration(
    postgres: PostgresServer,
) -> None:
    with LiveServer(workers=WORKERS, database_url=postgres.url()) as live:
        world = World(live)
        before = set(live.web_workers)
        postgres.kill()
        live.started[0].send_signal(signal.SIGHUP)
        eventually(lambda: "did not get ready" in live.log, READY_S, what=lambda: live.log[-4000:])
        assert set(live.web_workers) == before
        postgres.start()
        eventually(lambda: models_answer(world, world.http).status_code == 200, READY_S)
        world.close()


def test_a_stop_completes_what_is_under_way_and_refuses_what_comes(world: World, upstream: Upstream) -> None:
    web = world.live.started[0]
    stopped: list[bool] = []

    def stop() -> None:
        begin_stop(world)
        stopped.append(True)

    seen = world.stream("slow", on_text=stop)
    assert stopped
    assert seen.done
    assert eventually(lambda: web.poll() is not None, 40)
    assert web.returncode == 0
    (row,) = world.live.query("SELECT status, charged_nano FROM llm_requests")
    assert row[0] == "succeeded"
    assert row[1] > 0
    world.books_balance()


def begin_stop(world: World) -> None:
    world.live.started[0].send_signal(signal.SIGTERM)
    eventually(lambda: is_refused(world.live.port))


def models_answer(world: World, http: httpx.Client) -> httpx.Response:
    return http.get("/v1/models", headers=world.bearer())


def test_connections_that_were_promised_to_stay_are_good_for_one_request_more_when_the_stop_has_begun(
    alone: World, upstream: Upstream
) -> None:
    """An idle one, and one whose stream has begun. Ended at once, each would reset a client which calls on."""
    with (
        httpx.Client(base_url=alone.live.url, timeout=30) as idle,
        httpx.Client(base_url=alone.live.url, timeout=30) as streaming,
    ):
        assert models_answer(alone, idle).status_code == 200
        after: list[httpx.Response] = []

        def stop() -> None:
            begin_stop(alone)
            after.append(models_answer(alone, idle))
            upstream.release()

        body = {"model": "gated", "messages": HELLO, "max_tokens": 200, "stream": True}
        seen = read_stream(streaming, body, alone.bearer(), stop)
        assert seen.done
        assert "connection" not in seen.headers
        after.append(models_answer(alone, streaming))
    assert [(last.status_code, last.headers["connection"]) for last in after] == [(200, "close")] * 2


def test_a_request_that_a_late_worker_has_not_looked_at_is_answered_all_the_same(alone: World) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", alone.live.port), timeout=30) as client:
        client.sendall(request)
        assert status_of_next(client) == 200
        begin_stop(alone)
        with paused(alone.live.web_workers):
            client.sendall(request)
            # When they go on, the time that they give to idle connections is over.
            overdue = time.monotonic() + IDLE_S + 1
            eventually(lambda: time.monotonic() > overdue, IDLE_S + 10)
        assert status_of_next(client) == 200


@contextmanager
def paused(processes: list[int]) -> Iterator[None]:
    """Those of them that have not ended yet."""
    signal_all(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(processes, signal.SIGCONT)


def signal_all(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
