"""The processes of an installation as a service manager sees them: nothing is left behind, nor works for the dead."""

import httpx
import pytest

from tests.eventually import eventually
from tests.live import LiveServer
from tests.processes import children_of, in_session_of, kill

pytestmark = pytest.mark.once


def test_everything_ends_when_told_and_when_its_parent_is_killed() -> None:
    with LiveServer(workers=2) as server:
        server.start_worker()
        started = [process.pid for process in server.started]
        assert len(started) == 2
        server.stop()
        assert [left for pid in started for left in in_session_of(pid)] == []

        server.start()
        server.start_worker()
        assert httpx.get(f"{server.url}/health/ready").status_code == 200
        parent, worker = (process.pid for process in server.started)
        assert len(server.web_workers) == 2
        kill(parent)
        eventually(lambda: not in_session_of(parent), 30, what=lambda: server.log[-2000:])
        # Its child is beat.
        eventually(lambda: children_of(worker), 30, what=lambda: server.log[-2000:])
        kill(worker)
        eventually(lambda: not in_session_of(worker), 30, what=lambda: server.log[-2000:])
