"""Workers that die or are told to stop in the middle of streams: no hold is left, and the books balance."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.world import HELLO, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.upstream import Upstream

KILLS = 5
STREAMS = 8
HASTY = {"LEASE_S": "1.2", "SWEEP_INTERVAL_S": "1", "HEARTBEAT_S": "0.2", "SHUTDOWN_GRACE_S": "1", "DRAIN_S": "1"}
SLOW = "fault:chunks:400:0.02+ignore-max-tokens"


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=2, environment=HASTY) as live:
        world = World(live)
        server = {"server": world.add_server("upstream", running_upstream_server.base_url)}
        world.offer("slow", [server | {"model": SLOW}])
        world.offer("quick", [server | {"model": "plain"}])
        world.wait_for_all_workers("slow", "quick")
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


def beaten_with_output(world: World) -> bool:
    ((number,),) = world.live.query("SELECT COUNT(*) FROM credits_holds WHERE state = 'HELD' AND checkpoint_amount > 0")
    return bool(number >= STREAMS)


def test_killed_workers_leave_no_hold_and_charge_what_they_had_delivered(world: World) -> None:
    swept = 0
    for _ in range(KILLS):
        readers = Readers(world)
        started = startups(world)
        eventually(lambda: beaten_with_output(world))
        for pid in world.live.web_workers:
            world.live.kill_worker(pid)
        readers.join()
        # Without the sweep they would stay held for ever.
        assert world.open_holds() == STREAMS
        eventually(lambda: sweep(world) and world.open_holds() == 0, timeout_s=30)
        swept += STREAMS
        wait_for_startups(world, started + 2)
        assert world.chat("quick").status_code == 200
    rows = world.live.query(
        "SELECT state, captured, amount, checkpoint_amount FROM credits_holds WHERE basis = 'checkpoint'"
    )
    assert len(rows) == swept
    assert all(state == "CAPTURED" and 0 < paid == checkpoint <= held for state, paid, held, checkpoint in rows)
    ((lost,),) = world.live.query("SELECT COUNT(*) FROM llm_requests WHERE status = 'lost'")
    assert lost == swept
    world.books_balance()


def wait_for_startups(world: World, number: int) -> None:
    eventually(lambda: startups(world) == number, timeout_s=60, what=lambda: world.live.log[-3000:])


def startups(world: World) -> int:
    return world.live.log.count("Application startup complete")


def sweep(world: World) -> bool:
    return "holds ended" in world.live.manage("sweep_holds")


def test_an_orderly_stop_ends_every_stream_and_writes_every_row(world: World) -> None:
    readers = Readers(world)
    assert world.open_holds() == STREAMS
    world.live.stop()
    readers.join()
    assert world.open_holds() == 0
    rows = world.live.query("SELECT status, billing_basis, charged_nano FROM llm_requests WHERE model = 'slow'")
    assert len(rows) == STREAMS
    assert all(basis == "counted" and charged > 0 for _, basis, charged in rows), rows
    world.books_balance()


def test_the_worker_sweeps_by_itself(world: World) -> None:
    readers = Readers(world)
    world.live.start_worker()
    for pid in world.live.web_workers:
        world.live.kill_worker(pid)
    readers.join()
    eventually(lambda: world.open_holds() == 0, timeout_s=60, what=lambda: world.live.log[-3000:])
    lost = "SELECT COUNT(*) FROM llm_requests WHERE status = 'lost'"
    eventually(lambda: world.live.query(lost) == [(STREAMS,)])
