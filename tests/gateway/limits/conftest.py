"""A Redis of these tests' own, whatever the run's database: some of them stop it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.gateway.limits.counters import Counters, InMemory, InRedis
from tests.redis_server import RedisServer, another_database


@pytest.fixture(scope="session")
def lasting_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """One to freeze and to kill."""
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture
async def in_redis(lasting_redis: RedisServer) -> AsyncIterator[InRedis]:
    counters = InRedis(another_database(lasting_redis.url()))
    await counters.limits.open()
    yield counters
    await counters.limits.close()


@pytest.fixture(params=["memory", "redis"])
def counters(request: pytest.FixtureRequest) -> Counters:
    if request.param == "memory":
        return InMemory()
    shared: InRedis = request.getfixturevalue("in_redis")
    return shared
