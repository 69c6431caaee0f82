"""The bench runs, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="it pins servers to a core of their own")


def start(*options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-m", "bench", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def stub_pid(printed: str) -> str:
    found = re.search(r"^direct: port \d+, pid (\d+)$", printed, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_smallest_run_reports_and_ends_all_that_it_started() -> None:
    bench = start("--peers=direct", "--only=plain-1,stream-32", "--rounds=2", "--duration=0.2")
    printed, _ = bench.communicate(timeout=120)
    assert bench.returncode == 0
    assert "## Plain requests, 1 in flight" in printed
    assert "## 100-word streams, 32 in flight" in printed
    assert not Path(f"/proc/{stub_pid(printed)}").exists()


def test_ctrl_c_ends_it_and_all_that_it_started() -> None:
    bench = start("--peers=direct", "--only=plain-1", "--duration=60")
    assert bench.stdout is not None
    pid = stub_pid(bench.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    bench.send_signal(signal.SIGINT)
    bench.communicate(timeout=60)
    assert bench.returncode == 130
    assert not Path(f"/proc/{pid}").exists()
