"""What one process learns, the others know within a moment; without Redis each goes by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from pytest_django.fixtures import Settings
from redis.exceptions import RedisError

from gateway.breaker import Breaker
from gateway.routing.measured import UNSEEN, Measured
from gateway.routing.peers import Peers
from tests.redis_server import RedisServer

pytestmark = pytest.mark.once

DEADLINE_S = 30


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


class Process:
    """What one web process keeps of targets."""

    def __init__(self, redis_url: str) -> None:
        self.measured, self.breaker = Measured(), Breaker()
        self.peers = Peers(self.measured, self.breaker, redis_url=redis_url, timeout_s=5.0)


@pytest.fixture
async def two(redis: RedisServer, settings: Settings) -> AsyncIterator[tuple[Process, Process]]:
    settings.BREAKER_FAILURES = 1
    processes = Process(redis.url()), Process(redis.url())
    yield processes
    for process in processes:
        await process.peers.stop()


async def test_each_hears_what_the_other_has_seen(two: tuple[Process, Process]) -> None:
    one, other = two
    one.measured.answered("a", tokens=0, seconds=2.0)
    one.breaker.failed("b")
    await one.peers.exchange()
    await other.peers.exchange()

    assert other.measured.seen("a").first_byte_s == pytest.approx(2.0, rel=0.01)
    assert not other.breaker.admits("b")
    assert one.measured.seen("b") == UNSEEN


async def test_who_leaves_is_no_longer_counted(two: tuple[Process, Process]) -> None:
    one, other = two
    one.measured.began("a", 0.0)
    await one.peers.exchange()
    await other.peers.exchange()
    assert other.measured.seen("a").in_flight == 1

    await one.peers.stop()
    await other.peers.exchange()
    assert other.measured.seen("a") == UNSEEN


async def test_while_redis_is_away_each_goes_by_what_it_sees_itself_and_then_together_again(
    two: tuple[Process, Process], redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.routing.peers.EXCHANGE_S", 0.02)
    one, other = two
    one.measured.began("a", 0.0)
    for process in two:
        process.peers.start()
    await _until(lambda: other.measured.seen("a").in_flight == 1)

    redis.kill()
    await _until(lambda: other.peers.is_away and one.peers.is_away)
    with pytest.raises((RedisError, OSError)):
        await other.peers.exchange()
    assert (one.measured.seen("a").in_flight, other.measured.seen("a").in_flight) == (1, 0)

    redis.start()
    await _until(lambda: other.measured.seen("a").in_flight == 1)
    assert not other.peers.is_away


async def test_words_that_nobody_understands_are_passed_over(two: tuple[Process, Process]) -> None:
    one, other = two
    one.measured.began("a", 0.0)
    await one.peers.exchange()
    other.peers._hear([b"x", b"\xc1", b"y", b"\x80"])

    await other.peers.exchange()
    assert other.measured.seen("a").in_flight == 1


async def test_without_redis_nothing_is_told_or_waited_for() -> None:
    process = Process("")
    process.peers.start()
    await process.peers.stop()

    assert not process.peers.is_away


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)
