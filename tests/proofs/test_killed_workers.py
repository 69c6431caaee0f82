"""Workers killed in the middle of calls: what they delivered is charged once, what they held comes back."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from gateway.counting import count_prompt, count_tokens
from tests.e2e.world import NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.proofs.books import Books, Hold, balance_is_what_was_not_charged, marker_of, tokens_reported, unrecorded
from tests.proofs.figures import Figures
from tests.proofs.load import Kind, Load, Told, go_on
from tests.upstream import Call, Upstream

WORKERS = 3
CLIENTS = 8
LEASE_S = 4
PATIENCE_S = 120
# A second try where the worker that was killed had no stream.
TRIES_PER_KILL = 10
HASTY = {
    "LEASE_S": str(LEASE_S),
    "HEARTBEAT_S": "0.2",
    "SWEEP_INTERVAL_S": "1",
    "RECORD_LOST_CALLS_INTERVAL_S": "2",
    "SHUTDOWN_GRACE_S": "1",
    "DRAIN_S": "1",
}
MODELS = {
    "long": "fault:chunks:300:0.02+ignore-max-tokens",
    "short": "fault:chunks:20:0.02",
    "plain": "fault:slow-first-byte:0.1",
}
KINDS = (Kind("long", True), Kind("short", True), Kind("plain", False), Kind("plain", False))


@pytest.fixture
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=WORKERS, environment=HASTY) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for name, model in MODELS.items():
            world.offer(name, [{"server": server, "model": model}])
        world.wait_for_all_workers(*MODELS)
        yield world
        world.close()


@pytest.mark.proof(3, "Web workers killed (SIGKILL) in the middle of streams and plain calls")
def test_killed_workers_lose_nothing_and_double_nothing(world: World, upstream: Upstream, figures: Figures) -> None:
    kills = figures.times(reduced=5, whole=200 if figures.database == "postgres" else 25)
    with Load(world.live.url, world.key, KINDS, CLIENTS) as load:
        killer = Killer(world, load, figures.chance)
        figures.saw_without_the_guard("holds left by the first kills, still open long after their lease", killer.stay())
        world.live.start_worker()
        for _ in range(kills):
            killer.kill_one_mid_stream()
    eventually(lambda: world.open_holds() == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    eventually(lambda: unrecorded(world) == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    books = Books(world)
    books.every_hold_has_one_row()
    reported = tokens_reported(upstream.calls)
    whole = books.every_whole_answer_is_charged_once(load.told, reported)
    lost = every_hold_ended_as_it_must(books, load.told, upstream.calls)
    balance_is_what_was_not_charged(world, books)
    world.books_balance()
    assert lost["captured at the last checkpoint"] > 0
    figures.saw("workers killed", killer.killed)
    figures.saw("of them in the middle of a stream", kills)
    figures.saw("calls", len(books.holds))
    figures.saw("streams that broke in their client's hands", sum(told.broken_mid_stream for told in load.told))
    figures.saw("plain calls that broke", sum(told.broken and not told.kind.stream for told in load.told))
    figures.saw("whole answers, each charged once at the provider's usage", whole)
    for what, number in lost.items():
        figures.saw(f"holds {what}", number)
    figures.saw("rows written from holds, for calls settled just before the kill", rows_from_holds(world))
    figures.saw("open holds, requests without a row, problems found by the checker", 0)


class Killer:
    """Kills the web worker that is up for longest: for it is sure to have calls."""

    def __init__(self, world: World, load: Load, chance: Random) -> None:
        self.killed = 0
        self._world, self._load, self._chance = world, load, chance
        self._started_before = world.live.log.count("Application startup complete")

    def stay(self) -> int:
        """Kill all of them while nothing sweeps; how many holds are open well after their lease."""
        self._wait_for_streams()
        for pid in self._world.live.web_workers:
            self._kill(pid)
        doomed = self._world.open_holds()
        eventually(lambda: left_behind(self._world) >= doomed > 0, PATIENCE_S)
        return doomed

    def kill_one_mid_stream(self) -> None:
        """At some moment within a second, again where the one that was killed turns out to have had no stream."""
        for _ in range(TRIES_PER_KILL):
            self._wait_for_restarts()
            self._wait_for_streams()
            go_on(self._chance.random())
            if self._breaks_streams(min(self._world.live.web_workers)):
                return
        raise AssertionError("No worker had a stream.")

    def _breaks_streams(self, pid: int) -> bool:
        """Kill it; whether a client saw its stream break then."""
        broken = self._broken()
        self._kill(pid)
        with suppress(AssertionError):
            eventually(lambda: self._broken() > broken)
        return self._broken() > broken

    def _kill(self, pid: int) -> None:
        self._world.live.kill_worker(pid)
        self.killed += 1

    def _broken(self) -> int:
        return sum(told.broken_mid_stream for told in self._load.told)

    def _wait_for_streams(self) -> None:
        eventually(lambda: any(told.mid_stream for told in self._load.told[-10 * CLIENTS :]), PATIENCE_S)

    def _wait_for_restarts(self) -> None:
        """All but the last that was killed are up again."""
        wanted = self._started_before + self.killed - 1
        eventually(lambda: self._world.live.log.count("Application startup complete") >= wanted, PATIENCE_S)


def left_behind(world: World) -> int:
    """Open holds without a heartbeat for longer than their lease, by a second."""
    if world.live.database_url.startswith("postgres"):
        ago = f"NOW() - INTERVAL '{LEASE_S + 1} seconds'"
    else:
        ago = f"STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW', '-{LEASE_S + 1} seconds')"
    ((number,),) = world.live.query(f"SELECT COUNT(*) FROM credits_holds WHERE state = 'HELD' AND heartbeat_at < {ago}")
    return int(number)


def rows_from_holds(world: World) -> int:
    settled = "SELECT COUNT(*) FROM llm_requests WHERE status = 'lost' AND billing_basis IN ('provider', 'counted')"
    return int(world.live.query(settled)[0][0])


def every_hold_ended_as_it_must(books: Books, told: list[Told], calls: list[Call]) -> dict[str, int]:
    """How many ended in which way."""
    sent = {marker_of(call): call for call in calls}
    marker_by_id = {answer.request_id: answer.marker for answer in told if answer.request_id}
    assert set(marker_by_id) <= set(map(str, books.holds)), "A call has no hold."
    ways = dict.fromkeys(("settled by their worker", "captured at the last checkpoint", "voided, nothing delivered"), 0)
    for hold in books.holds.values():
        if hold.basis == "checkpoint":
            ways["captured at the last checkpoint"] += 1
            assert hold.captured == min(hold.checkpoint, hold.amount) > 0, hold
            assert books.paid[hold.id] == hold.captured, hold
            if marker := marker_by_id.get(str(hold.id)):
                assert hold.captured <= most(hold, sent[marker]), hold
        elif hold.state == "VOIDED":
            ways["voided, nothing delivered"] += 1
            assert (hold.delivered, books.paid[hold.id]) == (0, 0), hold
        else:
            ways["settled by their worker"] += 1
            assert hold.basis in ("provider", "counted"), hold
            assert books.paid[hold.id] == hold.captured > 0, hold
    return ways


def most(hold: Hold, call: Call) -> int:
    """What everything costs that the upstream had sent by the end."""
    words = "".join(f" word{n}" for n in range(call.events_sent))
    return NANO_PER_TOKEN * (count_prompt(call.body["messages"]) + count_tokens(words))
