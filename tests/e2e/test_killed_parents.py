"""Nothing goes on working for a parent that was killed: no web worker serves, no beat ticks."""

import pytest

from tests.eventually import eventually
from tests.live import LiveServer
from tests.processes import children_of, in_session_of, kill

pytestmark = pytest.mark.once


def test_web_workers_end_with_their_killed_parent() -> None:
    with LiveServer(workers=2) as server:
        parent = server.started[0].pid
        assert len(server.web_workers) == 2
        kill(parent)
        eventually(lambda: not in_session_of(parent), 30, what=lambda: server.log[-2000:])


def test_beat_ends_with_its_killed_worker() -> None:
    with LiveServer(workers=1) as server:
        server.start_worker()
        worker = server.started[-1].pid
        eventually(lambda: children_of(worker), 30, what=lambda: server.log[-2000:])
        kill(worker)
        eventually(lambda: not in_session_of(worker), what=lambda: server.log[-2000:])
