"""A worker that Celery gives up goes on by itself: nobody is awake to start it."""

from collections.abc import Iterator

import pytest
import redis

from tests.eventually import eventually
from tests.live import LiveServer
from tests.processes import children_of
from tests.redis_server import RedisServer

pytestmark = pytest.mark.once

SWEEPS = "SELECT finished_at FROM core_task_runs WHERE task = 'gateway.tasks.sweep_holds'"


@pytest.fixture
def broker() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.destroy()


def test_a_worker_that_celery_ends_starts_again_with_one_beat(broker: RedisServer) -> None:
    with LiveServer(workers=1, environment={"REDIS_URL": broker.url(), "SWEEP_INTERVAL_S": "1"}) as live:
        live.start_worker()
        worker = live.started[-1]
        eventually(lambda: live.query(SWEEPS), 60, what=lambda: live.log[-2000:])

        # What no Celery can read, and none takes for a lost connection.
        with redis.Redis.from_url(broker.url()) as connection:
            connection.lpush("celery", "no message")

        eventually(lambda: "starts again in" in live.log, 30, what=lambda: live.log[-2000:])
        assert "Unrecoverable error" in live.log
        last = live.query(SWEEPS)
        eventually(lambda: live.query(SWEEPS) > last, 60, what=lambda: live.log[-4000:])
        assert worker.poll() is None
        assert len(children_of(worker.pid)) == 1
