"""Metric files of several processes: what is added up, kept, forgotten. Each process here is a real one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opscenter.core.metric_files import MetricFiles
from tests import ROOT

# Counts as often as it is told to on a line of its input, sets a gauge likewise, and says when it has.
COUNTING = """
import sys
from pathlib import Path
from prometheus_client import Counter, Gauge, Histogram
from opscenter.core.metric_files import MetricFiles

print(MetricFiles(Path(sys.argv[1])).join(sys.argv[2]), flush=True)
counted = Counter("counted", "Counted", ("what",), registry=None).labels("things")
state = Gauge("state", "State", multiprocess_mode="livesum", registry=None)
times = Histogram("times", "Times", buckets=(1, 10), registry=None)
for line in sys.stdin:
    counted.inc(int(line))
    state.set(int(line))
    times.observe(int(line))
    print(flush=True)
"""


class Counting:
    def __init__(self, folder: Path, role: str = "web") -> None:
        command = (sys.executable, "-c", COUNTING, str(folder), role)
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True)
        self.name = self._answer()

    def count(self, number: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        self._answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.endswith("\n"), "It ended by itself"
        return line.strip()


Start = Callable[..., Counting]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Counting] = []

    def run(role: str = "web") -> Counting:
        started.append(Counting(tmp_path, role))
        return started[-1]

    yield run
    for counting in started:
        counting.kill()


def values(folder: Path) -> dict[str, float]:
    """By name and, of a histogram's buckets, the upper end."""
    samples = [sample for metric in MetricFiles(folder).collect() for sample in metric.samples]
    return {sample.name + sample.labels.get("le", ""): sample.value for sample in samples}


def test_nothing_is_collected_where_nobody_has_joined(tmp_path: Path) -> None:
    assert values(tmp_path / "missing") == {}


def test_what_several_processes_count_is_added_up(tmp_path: Path, start: Start) -> None:
    first, second = start(), start("worker")
    first.count(2)
    second.count(5)
    assert values(tmp_path) == {
        "counted_total": 7,
        "state": 7,
        "times_sum": 7,
        "times_count": 2,
        "times_bucket1.0": 0,
        "times_bucket10.0": 2,
        "times_bucket+Inf": 2,
    }


def test_counts_of_a_killed_process_stay_and_its_gauges_go(tmp_path: Path, start: Start) -> None:
    first, second = start(), start()
    first.count(2)
    second.count(5)
    first.kill()
    left = values(tmp_path)
    assert (left["counted_total"], left["times_count"], left["state"]) == (7, 2, 5)


def test_processes_that_die_one_after_the_other_leave_one_set_of_files_and_all_of_their_counts(
    tmp_path: Path, start: Start
) -> None:
    lasting = start("worker")
    lasting.count(1)
    for _ in range(3):
        dying = start()
        dying.count(10)
        dying.kill()
    start().count(100)
    left = values(tmp_path)
    assert (left["counted_total"], left["times_sum"], left["times_bucket+Inf"]) == (131, 131, 5)
    assert len(list(tmp_path.glob("counter_*.db"))) == 3
    assert len(list(tmp_path.glob("gauge_*.db"))) == 2


def test_who_starts_where_nobody_lives_begins_at_nothing(tmp_path: Path, start: Start) -> None:
    former = start()
    former.count(7)
    former.kill()
    start().count(1)
    assert values(tmp_path)["counted_total"] == 1


def test_a_pid_that_another_container_has_too_gets_a_number(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from opscenter.core.metric_files import MetricFiles; "
        "ours, theirs = MetricFiles(Path(sys.argv[1])), MetricFiles(Path(sys.argv[1])); pid = os.getpid(); "
        "assert (theirs.join('web'), ours.join('web')) == (f'web-{pid}', f'web-{pid}-2')"
    )
    subprocess.run((sys.executable, "-c", code, str(tmp_path)), cwd=ROOT, check=True)


def test_joining_again_changes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from opscenter.core.metric_files import MetricFiles; "
        "files = MetricFiles(Path(sys.argv[1])); assert files.join('web') == files.join('web')"
    )
    subprocess.run((sys.executable, "-c", code, str(tmp_path)), cwd=ROOT, check=True)
