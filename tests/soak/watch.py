"""What a web worker has, looked at from outside: memory, threads, files, sockets, and by its metrics, tasks."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.procfs import rss_mib
from tests.e2e.world import WITHOUT_TLS
from tests.live import LiveServer

_TASKS = re.compile(r'^opscenter_event_loop_tasks\{pid="web-(\d+)"\} ([0-9.e+]+)$', re.MULTILINE)
_GAUGE = re.compile(r"^(opscenter_calls_in_flight|opscenter_queue_waiting)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """At one worker, `at` seconds after the beginning."""

    at: float
    pid: int
    rss_mib: float
    threads: int
    files: int
    sockets: int


def look(pid: int, *, at: float) -> Look | None:
    """None where it has ended."""
    with suppress(OSError):
        targets = [_target(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        sockets = sum(target.startswith("socket:") for target in targets)
        return Look(at, pid, rss_mib(pid), threads, len(targets), sockets)
    return None


def _target(entry: Path) -> str:
    with suppress(OSError):
        return str(entry.readlink())
    return ""


def in_hand(live: LiveServer) -> float:
    """Calls in flight and rows that wait, over all workers, by their metrics."""
    return sum(float(value) for _, value in _GAUGE.findall(_metrics(live)))


def tasks_of(live: LiveServer, pid: int) -> int | None:
    """Of this worker's event loop, as it said within the last second or two; None where it has ended."""
    return next((int(float(number)) for of, number in _TASKS.findall(_metrics(live)) if int(of) == pid), None)


def _metrics(live: LiveServer) -> str:
    answer = httpx.get(f"{live.url}/metrics", timeout=20, verify=WITHOUT_TLS)
    answer.raise_for_status()
    return answer.text
