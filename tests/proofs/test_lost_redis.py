"""Redis killed and frozen under load: no call fails, nothing is overspent, and the worker sweeps on afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.world import CREDITS, World
from tests.eventually import eventually
from tests.live import SERVE, LiveServer
from tests.proofs.books import Books, balance_is_what_was_not_charged, tokens_reported, unrecorded
from tests.proofs.figures import Figures, spread
from tests.proofs.load import Kind, Load, go_on
from tests.proofs.unguarded import without
from tests.redis_server import RedisServer
from tests.upstream import Upstream

pytestmark = pytest.mark.own_servers

PATIENCE_S = 120
CLIENTS = 4
# Soon spent, so that some calls are refused for want of credits all the time.
CREDITS_OF_CAROL = 4
ENVIRONMENT = {
    "LEASE_S": "10",
    "HEARTBEAT_S": "0.5",
    "SWEEP_INTERVAL_S": "1",
    "RECORD_LOST_CALLS_INTERVAL_S": "2",
}
MODELS = {"quick": "fault:slow-first-byte:0.05", "short": "fault:chunks:20:0.02", "long": "fault:chunks:400:0.02"}
KINDS = (Kind("quick", False), Kind("short", True))
TITLE = "Redis killed and started empty, and frozen, under load"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@contextmanager
def serving(redis: RedisServer, upstream: Upstream, *, workers: int, serve: tuple[str, ...]) -> Iterator[World]:
    environment = ENVIRONMENT | {"REDIS_URL": redis.url()}
    with LiveServer(workers=workers, environment=environment, serve=serve) as live:
        world = World(live)
        server = world.add_server("upstream", upstream.base_url)
        for name, model in MODELS.items():
            world.offer(name, [{"server": server, "model": model}])
        world.wait_for_all_workers(*MODELS)
        try:
            yield world
        finally:
            world.close()


@pytest.mark.proof(6, TITLE)
def test_no_call_fails_and_nothing_is_overspent(
    redis: RedisServer, running_upstream_server: Upstream, upstream: Upstream, figures: Figures
) -> None:
    faults = figures.times(reduced=2, whole=10)
    with serving(redis, running_upstream_server, workers=2, serve=SERVE) as world:
        carol = world.new_key("carol", credits=CREDITS_OF_CAROL)
        world.live.start_worker()
        url = world.live.url
        with Load(url, world.key, KINDS, CLIENTS) as rich, Load(url, carol, KINDS, CLIENTS, pause_s=0.1) as poor:
            for number in range(faults):
                fault(redis, kill=number % 2 == 0, lasts_s=30 if figures.whole else 3)
        swept = sweeps_again(world)
        eventually(lambda: world.open_holds() == 0 and unrecorded(world) == 0, PATIENCE_S)
        books = Books(world)
        books.every_hold_has_one_row()
        told = [*rich.told, *poor.told]
        whole = books.every_whole_answer_is_charged_once(told, tokens_reported(upstream.calls))
        balance_is_what_was_not_charged(world, books, given=CREDITS + CREDITS_OF_CAROL)
        world.books_balance()
        short = [call for call in poor.told if call.status == 402]
        assert short
        failed = [call for call in told if not call.whole and call not in short]
        assert not failed, failed[:5]
        figures.saw("faults, in turn killed and frozen, each of 30 s when whole, of 3 s when reduced", faults)
        figures.saw("whole answers, each charged once at the provider's usage", whole)
        figures.saw("calls refused with 402, because Carol's credits were spent", len(short))
        figures.saw("time to a whole answer", spread(call.took_s for call in told if call.whole))
        figures.saw("calls of a killed web worker that the Celery worker swept after all faults", swept)
        figures.saw("calls that failed, wallets below nothing, open holds, problems found by the checker", 0)


def fault(redis: RedisServer, *, kill: bool, lasts_s: float) -> None:
    (redis.kill if kill else redis.freeze)()
    go_on(lasts_s)
    (redis.start if kill else redis.thaw)()
    go_on(1)


def sweeps_again(world: World) -> int:
    """The worker has lived through all of it: it still ends the calls of web workers that die."""
    with Load(world.live.url, world.key, [Kind("long", True)], CLIENTS) as load:
        eventually(lambda: sum(told.mid_stream for told in load.told) == CLIENTS, PATIENCE_S)
        for pid in world.live.web_workers:
            world.live.kill_worker(pid)
        eventually(lambda: swept(world) >= CLIENTS, PATIENCE_S, what=lambda: world.live.log[-3000:])
    return swept(world)


def swept(world: World) -> int:
    ((number,),) = world.live.query(
        "SELECT COUNT(*) FROM credits_holds WHERE basis IN ('checkpoint', 'nothing_delivered')"
    )
    return int(number)


@pytest.mark.proof(6, TITLE)
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "frozen"])
def test_a_gateway_whose_calls_need_redis_fails_with_it(
    kill: bool, redis: RedisServer, running_upstream_server: Upstream, upstream: Upstream, figures: Figures
) -> None:
    with serving(redis, running_upstream_server, workers=1, serve=without("calls-without-redis")) as world:
        with Load(world.live.url, world.key, KINDS, CLIENTS) as load:
            eventually(lambda: any(told.whole for told in load.told), PATIENCE_S)
            began = time.monotonic()
            fault(redis, kill=kill, lasts_s=3)
        failed = [told for told in load.told if told.status == 500]
        held_up = [told for told in load.told if told.began + told.took_s > began and told.took_s > 2]
        assert failed if kill else held_up
        figures.saw_without_the_guard(
            f"calls that failed or were held up for over 2 s, Redis {'killed' if kill else 'frozen'} for 3 s",
            len(failed) + len(held_up),
        )
