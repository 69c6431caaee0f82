"""`make run` on an empty machine: the printed lines work as printed, and a second start prints no secret."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import ROOT
from tests.eventually import eventually
from tests.processes import die_with_parent, free_port, in_session_of, stop

# It brings its own database, whichever the run has.
pytestmark = pytest.mark.once

DROPPED = ("SECRET_KEY", "BYOK_ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL")
# Of what is written in one piece once calls are answered.
WELCOME = "API docs"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opscenter-first-") as folder:
        yield Path(folder)


@contextmanager
def running(data_dir: Path, port: int) -> Iterator[Path]:
    """What the Makefile's `run` executes, after installing; yields what it writes, once it is up."""
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    # The rest is as it is for everybody, but for seconds of CPU that show nothing here.
    environment |= {"DATA_DIR": str(data_dir), "PORT": str(port), "PRELOAD_LITELLM": "0"}
    subprocess.run(
        [sys.executable, "-m", "opscenter.secrets_file", str(data_dir)], cwd=ROOT, env=environment, check=True
    )
    log = data_dir / "terminal"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
        )
    try:
        eventually(lambda: WELCOME in log.read_text() or process.poll() is not None, timeout_s=90, what=log.read_text)
        yield log
    finally:
        stop(process, signal.SIGTERM, timeout_s=60)
        assert in_session_of(process.pid) == []


def printed_curls(text: str) -> list[list[str]]:
    return [
        shlex.split(line.strip()) for line in text.replace("\\\n", "").splitlines() if line.strip().startswith("curl ")
    ]


def answer_of(command: list[str]) -> str:
    done = subprocess.run([*command, "--silent"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


def test_the_printed_lines_work_and_a_second_start_prints_no_secret(data_dir: Path) -> None:
    port = free_port()
    with running(data_dir, port) as terminal:
        text = terminal.read_text()
        plain, streamed = printed_curls(text)
        answer = json.loads(answer_of(plain))
        assert "demo" in answer["choices"][0]["message"]["content"]
        assert answer_of(streamed).rstrip().endswith("data: [DONE]")
        (key,) = set(re.findall(r"sk-ops-[\w-]+", text))
        balance = httpx.get(
            f"http://127.0.0.1:{port}/api/v1/llm/credits", headers={"Authorization": f"Bearer {key}"}
        ).json()
        assert 999 < float(balance["balance"]) < 1000
        assert (data_dir / "secrets.env").stat().st_mode & 0o777 == 0o600
    with running(data_dir, port) as terminal:
        assert "create_virtual_key" in terminal.read_text()
        assert not re.findall(r"sk-ops-[\w-]{8,}", terminal.read_text())
        assert json.loads(answer_of(plain))["choices"]
