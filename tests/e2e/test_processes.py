"""The web processes as a service manager sees them: they start, lose one of theirs, and leave nothing behind."""

import httpx
import pytest

from tests.eventually import eventually
from tests.live import LiveServer
from tests.processes import in_session_of

pytestmark = pytest.mark.once


def test_a_killed_web_worker_is_replaced() -> None:
    with LiveServer(workers=2) as server:
        before = server.web_workers
        killed = server.kill_worker()
        after = eventually(lambda: [pid for pid in server.web_workers if pid not in before], 30)
        assert killed not in after
        assert len(after) == 1
        assert eventually(lambda: len(server.web_workers) == 2)
        assert httpx.get(f"{server.url}/health/live").status_code == 200


def test_everything_that_was_started_ends_when_told() -> None:
    with LiveServer(workers=1) as server:
        server.start_worker()
        started = [process.pid for process in server.started]
        assert len(started) == 2
        server.stop()
        assert [left for pid in started for left in in_session_of(pid)] == []
        server.start()
        assert httpx.get(f"{server.url}/health/ready").status_code == 200


def test_commands_and_queries_see_the_servers_own_database() -> None:
    with LiveServer(workers=1, is_empty=True) as server:
        assert server.query("SELECT username FROM users") == []
        assert server.manage("create_virtual_key", "--user", "alice").splitlines()[-1].startswith("sk-ops-")
        assert server.query("SELECT username FROM users") == [("alice",)]
