"""Workers killed in the middle of calls: what they delivered is charged once, what they held comes back."""

from collections.abc import Iterator
from random import Random

import pytest

from gateway.counting import count_prompt, count_tokens
from tests.e2e.world import NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.processes import ports_connected_to
from tests.proofs.books import (
    Books,
    Hold,
    balance_is_what_was_not_charged,
    marker_of,
    tokens_reported,
    unrecorded,
)
from tests.proofs.figures import Figures
from tests.proofs.load import Kind, Load, Told, go_on
from tests.upstream import Call, Upstream

pytestmark = pytest.mark.once

CLIENTS = 8
LEASE_S = 8
PATIENCE_S = 120
# How long after its lease a hold is looked for that nobody swept.
OVERDUE_S = 1
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
def world(running_upstream_server: Upstream, whole: bool) -> Iterator[World]:
    with LiveServer(workers=3 if whole else 2, environment=HASTY) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for name, model in MODELS.items():
            world.offer(name, [{"server": server, "model": model}])
        world.wait_for_all_workers(*MODELS)
        yield world
        world.close()


@pytest.mark.proof(3, "Web workers killed (SIGKILL) in the middle of streams and plain calls")
def test_killed_workers_lose_nothing_and_double_nothing(world: World, upstream: Upstream, figures: Figures) -> None:
    kills = figures.times(reduced=2, whole=200 if figures.database == "postgres" else 25)
    with Load(world.live.url, world.key, KINDS, CLIENTS, pause_s=figures.pause_s, move=True) as load:
        killer = Killer(world, load, figures.chance)
        figures.saw_without_the_guard("holds left by the first kills, still open long after their lease", killer.stay())
        world.live.start_worker()
        while killer.mid_stream < kills:
            killer.kill_mid_stream(kills - killer.mid_stream)
    eventually(lambda: world.open_holds() == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    eventually(lambda: unrecorded(world) == 0, PATIENCE_S, what=lambda: world.live.log[-3000:])
    # Then everything is written that the last workers still have to say, also of what the sweep ended too early.
    world.live.stop()
    books = Books(world)
    books.every_hold_has_one_row()
    reported = tokens_reported(upstream.calls)
    whole = books.every_whole_answer_is_charged_once(load.told, reported)
    lost = every_hold_ended_as_it_must(books, load.told, upstream.calls)
    balance_is_what_was_not_charged(world, books)
    world.books_balance()
    world.usage_is_the_ledgers()
    assert lost["captured at the last checkpoint"] > 0
    figures.saw("workers killed", killer.killed)
    figures.saw("of them in the middle of a stream, of which a client saw the end", killer.mid_stream)
    figures.saw("calls", len(books.holds))
    figures.saw("streams that broke in their client's hands", sum(told.broken_mid_stream for told in load.told))
    figures.saw("plain calls that broke", sum(told.broken and not told.kind.stream for told in load.told))
    figures.saw("whole answers, each charged once at the provider's usage", whole)
    figures.saw("of them swept before their worker could say that it lives", books.swept_too_early(load.told))
    figures.saw("calls refused with 503, none of which reached the upstream", refused(load.told, upstream.calls))
    for what, number in lost.items():
        figures.saw(f"holds {what}", number)
    figures.saw("rows written from holds, for calls settled just before the kill", rows_from_holds(world))
    figures.saw("open holds, requests without a row, problems found by the checker", 0)


class Killer:
    """Kills web workers that are in the middle of streams, some at once: their clients' ports tell whose are whose."""

    def __init__(self, world: World, load: Load, chance: Random) -> None:
        self.killed = 0
        self.mid_stream = 0
        self._world, self._load, self._chance = world, load, chance
        self._workers = world.live.workers_wanted

    def stay(self) -> int:
        """Kill all of them while nothing sweeps; how many holds are open well after their lease."""
        return eventually(self._left_by_all, PATIENCE_S, what=lambda: self._world.live.log[-3000:])

    def _left_by_all(self) -> int:
        """Nothing, where the last streams ended just before."""
        eventually(self._busy, PATIENCE_S, what=lambda: self._world.live.log[-3000:])
        for pid in self._world.live.web_workers:
            self._kill(pid)
        go_on(LEASE_S + OVERDUE_S + 1)
        return left_behind(self._world)

    def kill_mid_stream(self, most: int) -> None:
        """One to `most` of those that are busy, within a second after most workers are; counts whose streams broke.

        A stream may end just before its worker is killed.
        """
        eventually(
            lambda: self._busy(at_least=self._workers - 1), PATIENCE_S, what=lambda: self._world.live.log[-3000:]
        )
        go_on(self._chance.random())
        busy = self._busy()
        victims = self._chance.sample(sorted(busy), min(most, self._chance.randint(1, self._workers), len(busy)))
        for pid in victims:
            self._kill(pid)
        self.mid_stream += sum(broke(busy[pid]) for pid in victims)

    def _busy(self, at_least: int = 1) -> dict[int, list[Told]]:
        """The calls in the middle of their streams by the worker's pid, if so many workers have some."""
        streams = [told for told in self._load.told[-10 * CLIENTS :] if told.mid_stream]
        if len(streams) < at_least:
            return {}
        ports = {pid: ports_connected_to(pid) for pid in self._world.live.web_workers}
        mine = {pid: [told for told in streams if told.port in ports[pid]] for pid in ports}
        busy = {pid: served for pid, served in mine.items() if served}
        return busy if len(busy) >= at_least else {}

    def _kill(self, pid: int) -> None:
        self._world.live.kill_worker(pid)
        self.killed += 1


def broke(streams: list[Told]) -> bool:
    """Whether any of them did, once all have ended in their clients' hands."""
    eventually(lambda: all(told.ended for told in streams), PATIENCE_S)
    return any(told.broken_mid_stream for told in streams)


def left_behind(world: World) -> int:
    """Open holds without a heartbeat for longer than their lease, by OVERDUE_S."""
    if world.live.database_url.startswith("postgres"):
        ago = f"NOW() - INTERVAL '{LEASE_S + OVERDUE_S} seconds'"
    else:
        ago = f"STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW', '-{LEASE_S + OVERDUE_S} seconds')"
    ((number,),) = world.live.query(f"SELECT COUNT(*) FROM credits_holds WHERE state = 'HELD' AND heartbeat_at < {ago}")
    return int(number)


def rows_from_holds(world: World) -> int:
    settled = "SELECT COUNT(*) FROM llm_requests WHERE status = 'lost' AND billing_basis IN ('provider', 'counted')"
    return int(world.live.query(settled)[0][0])


def every_hold_ended_as_it_must(books: Books, told: list[Told], calls: list[Call]) -> dict[str, int]:
    """How many ended in which way."""
    sent = {marker_of(call): call for call in calls if call.body}
    marker_by_id = {answer.request_id: answer.marker for answer in told if answer.status == 200}
    assert set(marker_by_id) <= set(map(str, books.holds)), "A call has no hold."
    whole = {answer.request_id for answer in told if answer.whole}
    ways = dict.fromkeys(("settled by their worker", "captured at the last checkpoint", "voided, nothing delivered"), 0)
    for hold in books.holds.values():
        if hold.basis == "checkpoint":
            ways["captured at the last checkpoint"] += 1
            assert hold.captured == min(hold.checkpoint, hold.amount) > 0, hold
            assert books.paid[hold.id] == hold.captured or str(hold.id) in whole, hold
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


def refused(told: list[Told], calls: list[Call]) -> int:
    """How many calls a starved ledger had no time for: none of them reached the upstream."""
    refusals = [answer for answer in told if answer.status not in (0, 200)]
    assert {answer.status for answer in refusals} <= {503}, refusals[:5]
    assert not {marker_of(call) for call in calls if call.body} & {answer.marker for answer in refusals}
    return len(refusals)


def most(hold: Hold, call: Call) -> int:
    """What everything costs that the upstream had sent by the end."""
    words = "".join(f" word{n}" for n in range(call.events_sent))
    return NANO_PER_TOKEN * (count_prompt(call.body["messages"]) + count_tokens(words))
