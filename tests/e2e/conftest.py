"""Running installations for the end-to-end tests of a process, each on a fresh database."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.world import World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer
from tests.upstream import Upstream

# Faults must end soon, and one test's faults must not open the breaker for the next.
IMPATIENT = {
    "UPSTREAM_IDLE_TIMEOUT_S": "0.7",
    "DRAIN_S": "1.5",
    "HEARTBEAT_S": "0.3",
    "BREAKER_FAILURES": "1000000",
    "PRELOAD_LITELLM": "1",
}
LOADED_S = 120


@pytest.fixture(scope="session")
def impatient(running_upstream_server: Upstream) -> Iterator[World]:
    """One web worker with short timeouts and no breaker, to which the test upstream is Anthropic's API as well."""
    bases = {"PROVIDER_API_BASES": json.dumps({"anthropic": running_upstream_server.origin})}
    with LiveServer(workers=1, environment=IMPATIENT | bases) as live:
        world = World(live)
        # The first of its calls would wait for it, and on a busy machine for longer than this world's patience.
        eventually(lambda: "LiteLLM was loaded" in live.log, LOADED_S)
        yield world
        world.books_balance()
        world.close()


@pytest.fixture(scope="session")
def upstream_server_id(impatient: World, running_upstream_server: Upstream) -> int:
    return impatient.add_server("upstream", running_upstream_server.base_url)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A database server of the module's own, to be killed."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()
