"""PostgreSQL is away for longer than the lease of running calls: the sweep ends them before their worker does."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.world import NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer
from tests.proofs.books import SWEPT, Books, balance_is_what_was_not_charged, tokens_reported, unrecorded
from tests.proofs.figures import Figures
from tests.proofs.load import TIMEOUT_S, Kind, Told, call, go_on
from tests.upstream import Call, Upstream

pytestmark = pytest.mark.own_servers

LEASE_S = 4
PATIENCE_S = 120
ENVIRONMENT = {"LEASE_S": str(LEASE_S), "HEARTBEAT_S": "0.2"}
EACH = 3
# Each waits at its gate until PostgreSQL is away; "long" goes on until it is there again.
MODELS = {
    "more": "fault:chunks:60+gate:40+usage:100:400",
    "less": "fault:chunks:60+gate:40+usage:2:3",
    "long": "fault:chunks:300:0.05+gate:40+usage:100:400",
    "broken": "fault:chunks:60+gate:40+reset-mid-stream:50",
    "plain": "fault:gate:0",
}
KINDS = tuple(Kind(model, model != "plain") for model in MODELS for _ in range(EACH))
ENDED_BY_SWEEP = f"SELECT COUNT(*) FROM credits_holds WHERE basis IN {SWEPT}"
WITH_CHECKPOINT = "SELECT COUNT(*) FROM credits_holds WHERE delivered_tokens > 0"


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture
def world(postgres: PostgresServer, running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=1, environment=ENVIRONMENT, database_url=postgres.url()) as live:
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for name, model in MODELS.items():
            world.offer(name, [{"server": server, "model": model}])
        world.wait_for(*MODELS)
        yield world
        world.close()


@contextmanager
def calling(world: World) -> Iterator[list[Told]]:
    """One call of each, read to its end."""

    def client(told: Told) -> None:
        with httpx.Client(base_url=world.live.url, timeout=TIMEOUT_S, headers=world.bearer()) as http:
            call(http, told)

    told = [Told(uuid4().hex, kind) for kind in KINDS]
    threads = [threading.Thread(target=client, args=(each,)) for each in told]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        for thread in threads:
            thread.join()


@pytest.mark.proof(5, "PostgreSQL away for longer than the lease of the calls that run")
def test_calls_that_outlive_their_lease_are_charged_once_by_the_sweep_and_corrected_by_their_worker(
    world: World, postgres: PostgresServer, upstream: Upstream, figures: Figures
) -> None:
    streams = [kind for kind in KINDS if kind.stream]
    with calling(world) as told:
        eventually(lambda: world.live.query(WITH_CHECKPOINT) == [(len(streams),)], PATIENCE_S)
        eventually(lambda: len(upstream.calls) == len(KINDS), PATIENCE_S)
        postgres.kill()
        upstream.release()
        eventually(lambda: all(each.ended for each in told if each.kind.model != "long"), PATIENCE_S)
        go_on(LEASE_S)
        swept = sweep_while_the_worker_sleeps(world, postgres)
    eventually(lambda: corrected(world) == 2 * EACH, PATIENCE_S, what=lambda: world.live.log[-3000:])
    eventually(lambda: lost_rows(world) == 0 == unrecorded(world), PATIENCE_S, what=lambda: world.live.log[-3000:])
    books = Books(world)
    books.every_hold_has_one_row()
    charged_once(books, told, upstream.calls)
    balance_is_what_was_not_charged(world, books)
    world.books_balance()
    world.usage_is_the_ledgers()
    figures.saw("calls whose settle the database missed, or that went on beyond its absence", len(told))
    figures.saw("of them swept before their worker came back to them", swept)
    figures.saw("charged what the sweep took, where the provider reports more", paid_as_swept(books, told))
    figures.saw("given back what the sweep had taken too much, in part or in whole", 2 * EACH)
    figures.saw("calls charged twice or above what the provider reports, problems found by the checker", 0)


def sweep_while_the_worker_sleeps(world: World, postgres: PostgresServer) -> int:
    """So that the sweep is first, for certain; how many calls it ended."""
    (worker,) = world.live.web_workers
    os.kill(worker, signal.SIGSTOP)
    try:
        postgres.start()
        world.live.manage("sweep_holds")
        ((swept,),) = world.live.query(ENDED_BY_SWEEP)
        assert (swept, world.open_holds(), lost_rows(world)) == (len(KINDS), 0, len(KINDS))
    finally:
        os.kill(worker, signal.SIGCONT)
    return int(swept)


def charged_once(books: Books, told: list[Told], calls: list[Call]) -> None:
    """What the sweep took, or what the call cost where that is less; what it cost beyond is the operator's."""
    reported = tokens_reported(calls)
    assert sorted(each.kind.model for each in told if each.whole) == sorted(
        kind.model for kind in KINDS if kind.model != "broken"
    )
    for each in told:
        hold = books.holds[UUID(each.request_id)]
        cost = 0 if each.kind.model == "broken" else reported[each.marker] * NANO_PER_TOKEN
        assert hold.captured == (min(hold.checkpoint, hold.amount) if hold.delivered else 0), hold
        assert books.paid[hold.id] == hold.due(cost), (each, hold, cost)


def paid_as_swept(books: Books, told: list[Told]) -> int:
    holds = [books.holds[UUID(each.request_id)] for each in told]
    return sum(books.paid[hold.id] == hold.captured for hold in holds)


def corrected(world: World) -> int:
    """Wallet entries that give something back."""
    ((number,),) = world.live.query(
        "SELECT COUNT(*) FROM llm_transactions e JOIN credits_journals j ON j.id = e.journal_id "
        "JOIN llm_credits a ON a.id = e.account_id "
        "WHERE a.kind = 'wallet' AND j.idempotency_key LIKE 'adj:%' AND e.amount > 0"
    )
    return int(number)


def lost_rows(world: World) -> int:
    """Rows that the sweep wrote, which give way to the worker's own."""
    return int(world.live.query("SELECT COUNT(*) FROM llm_requests WHERE status = 'lost'")[0][0])
