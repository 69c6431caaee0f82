"""Redis killed and frozen under load: no call fails, nothing is overspent, and the worker sweeps on afterwards."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.world import World
from tests.eventually import eventually
from tests.furnished import CREDITS
from tests.live import SERVE, LiveServer
from tests.proofs.books import SWEPT, Books, balance_is_what_was_not_charged, tokens_reported, unrecorded
from tests.proofs.figures import Figures, spread
from tests.proofs.limited import MODELS as OF_LIMITED
from tests.proofs.limited import MOST_TIMES, MOST_TIMES_AT_ONCE, TOKENS_PER_CALL, Limited
from tests.proofs.load import Kind, Load, Told, go_on
from tests.proofs.unguarded import without
from tests.redis_server import RedisServer
from tests.upstream import Call, Upstream

pytestmark = pytest.mark.own_servers

PATIENCE_S = 120
CLIENTS = 4
HELD_UP_S = 2
# Soon spent, so that some calls are refused for want of credits all the time.
CREDITS_OF_CAROL = 4
ENVIRONMENT = {
    "LEASE_S": "10",
    "HEARTBEAT_S": "0.5",
    "SWEEP_INTERVAL_S": "1",
    "RECORD_LOST_CALLS_INTERVAL_S": "2",
}
CREDITS_OF_LIMITED = 1000
# (limit, most, what its clients ask for, how many they are)
LIMITS = (
    ("rpm", 12, Kind("quick", False, 20), 2),
    ("tpm", 6 * TOKENS_PER_CALL, Kind("metered", False, TOKENS_PER_CALL), 2),
    ("concurrency", 2, Kind("slow", True), 6),
)
MODELS = OF_LIMITED | {
    "quick": "fault:slow-first-byte:0.05",
    "short": "fault:chunks:20:0.02",
    "long": "fault:chunks:400:0.02",
}
KINDS = (Kind("quick", False), Kind("short", True))
# From when to when Redis was away, by time.time().
Outage = tuple[float, float]
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
    with serving(redis, running_upstream_server, workers=2, serve=SERVE) as world, ExitStack() as loads:
        carol = world.new_key("carol", credits=CREDITS_OF_CAROL)
        limited = [Limited(world, *options, credits=CREDITS_OF_LIMITED) for options in LIMITS]
        world.live.start_worker()
        rich = Load(world.live.url, world.key, KINDS, CLIENTS, pause_s=figures.pause_s)
        poor = Load(world.live.url, carol, KINDS, CLIENTS, pause_s=0.1)
        for load in (rich, poor, *(key.load for key in limited)):
            loads.enter_context(load)
        lasts_s = 30 if figures.whole else 3
        outages = [fault(redis, limited, kill=number % 2 == 0, lasts_s=lasts_s) for number in range(faults)]
        loads.close()
        swept = sweeps_again(world)
        eventually(lambda: world.open_holds() == 0 and unrecorded(world) == 0, PATIENCE_S)
        books = Books(world)
        books.every_hold_has_one_row()
        told = [*rich.told, *poor.told, *(call for key in limited for call in key.told)]
        whole = books.every_whole_answer_is_charged_once(told, tokens_reported(upstream.calls))
        balance_is_what_was_not_charged(world, books, given=CREDITS + CREDITS_OF_CAROL + 3 * CREDITS_OF_LIMITED)
        world.books_balance()
        short = [call for call in poor.told if call.status == 402]
        assert short
        failed = [call for call in (*rich.told, *poor.told) if not call.whole and call not in short]
        assert not failed, failed[:5]
        figures.saw("faults, in turn killed and frozen, each of 30 s when whole, of 3 s when reduced", faults)
        figures.saw("whole answers, each charged once at the provider's usage", whole)
        figures.saw("calls refused with 402, because Carol's credits were spent", len(short))
        # The worker's look at the list of models is no call of anybody's.
        calls = [call for call in upstream.calls if call.body]
        for key in limited:
            limit_held(key, calls, outages, figures)
        figures.saw("time to a whole answer", spread(call.took_s for call in told if call.whole))
        figures.saw("calls of a killed web worker that the Celery worker swept after all faults", swept)
        figures.saw("calls that failed, wallets below nothing, open holds, problems found by the checker", 0)


def fault(redis: RedisServer, limited: Sequence[Limited], *, kill: bool, lasts_s: float) -> Outage:
    """It lasts until a limit was still given out. Those of a minute may have been used up before."""
    began, since = time.time(), time.monotonic()
    (redis.kill if kill else redis.freeze)()
    go_on(lasts_s)
    eventually(lambda: all(key.is_served(since) for key in limited if key.limit == "concurrency"), PATIENCE_S)
    ended = time.time()
    (redis.start if kill else redis.thaw)()
    go_on(1)
    return began, ended


def limit_held(key: Limited, calls: Sequence[Call], outages: Sequence[Outage], figures: Figures) -> None:
    """Neither open nor shut, with Redis or without."""
    refused = key.nothing_but_answers_and_refusals()
    assert refused > 0
    most = key.most_used(calls)
    figures.saw(f"calls of a key of {key.most} {key.limit}: answered, refused", f"{len(key.told) - refused}, {refused}")
    if key.limit == "concurrency":
        figures.saw("most of its calls at once, within what Redis gave and the shares of both workers", most)
        assert 0 < most <= MOST_TIMES_AT_ONCE * key.most
        return
    without = max(key.used_between(calls, *outage) for outage in outages)
    figures.saw(f"most {key.unit} in a minute, around a Redis that came back empty too", most)
    figures.saw(f"most {key.unit} in an outage, within the shares of both workers", without)
    assert 0 < most <= MOST_TIMES * key.most
    # Those that Redis had just admitted may arrive a moment after it went.
    assert without <= key.most + key.clients * key.per_call


def sweeps_again(world: World) -> int:
    """The worker has lived through all of it: it still ends the calls of web workers that die."""
    with Load(world.live.url, world.key, [Kind("long", True)], CLIENTS) as load:
        eventually(lambda: sum(told.mid_stream for told in load.told) == CLIENTS, PATIENCE_S)
        for pid in world.live.web_workers:
            world.live.kill_worker(pid)
        eventually(lambda: swept(world) >= CLIENTS, PATIENCE_S, what=lambda: world.live.log[-3000:])
    return swept(world)


def swept(world: World) -> int:
    ((number,),) = world.live.query(f"SELECT COUNT(*) FROM credits_holds WHERE basis IN {SWEPT}")
    return int(number)


@pytest.mark.long
@pytest.mark.proof(6, TITLE)
def test_a_gateway_whose_calls_need_redis_fails_with_it(
    redis: RedisServer, running_upstream_server: Upstream, upstream: Upstream, figures: Figures
) -> None:
    with serving(redis, running_upstream_server, workers=1, serve=without("calls-without-redis")) as world:
        killed, frozen = (of_a_fault(world, redis, kill=kill) for kill in (True, False))
    failed = [told for told in killed if told.status == 500]
    held_up = [told for told in frozen if told.took_s > HELD_UP_S]
    assert failed
    assert held_up
    figures.saw_without_the_guard("calls that failed, Redis killed for 3 s", len(failed))
    figures.saw_without_the_guard(f"calls held up for over {HELD_UP_S} s, Redis frozen for 3 s", len(held_up))


def of_a_fault(world: World, redis: RedisServer, *, kill: bool) -> list[Told]:
    """The calls that it met."""
    with Load(world.live.url, world.key, KINDS, CLIENTS) as load:
        eventually(lambda: any(told.whole for told in load.told), PATIENCE_S)
        began = time.monotonic()
        fault(redis, (), kill=kill, lasts_s=3)
    return [told for told in load.told if told.began + told.took_s > began]


@pytest.mark.long
@pytest.mark.proof(6, TITLE)
def test_a_gateway_without_its_share_opens_every_limit(
    redis: RedisServer, running_upstream_server: Upstream, upstream: Upstream, figures: Figures
) -> None:
    with serving(redis, running_upstream_server, workers=1, serve=without("share-without-redis")) as world:
        key = Limited(world, *LIMITS[0], credits=CREDITS_OF_LIMITED)
        with key.load:
            eventually(lambda: any(told.status == 429 for told in key.told), PATIENCE_S)
            redis.kill()
            eventually(lambda: key.most_used(upstream.calls) > MOST_TIMES * key.most, PATIENCE_S)
        figures.saw_without_the_guard(
            f"requests in a minute of a key of {key.most} {key.limit}, Redis killed", key.most_used(upstream.calls)
        )
