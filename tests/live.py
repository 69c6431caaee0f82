"""The real thing for end-to-end tests: a fresh database, and web processes started as `make serve` does."""

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet

from tests import ROOT
from tests.eventually import eventually
from tests.furnished import People, furnished, manage, move_in
from tests.postgres_server import drop_database
from tests.processes import Process, children_of, die_with_parent, free_port, in_session_of, kill, stop
from tests.redis_server import another_database

# What `make serve` and `make worker` run.
SERVE = (sys.executable, "manage.py", "serve")
WORKER = (sys.executable, "manage.py", "worker")
# uvicorn's worker processes are spawned by multiprocessing; its resource tracker is a child too.
WEB_WORKER_MARK = "spawn_main"
READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 40
LAST_MOMENT_S = 3


class LiveServer:
    """A context manager; `environment` overrides what the server's processes and commands get.

    Its database is of the same kind as the test run's, or the one at `database_url`, which is empty and stays. It is
    furnished, or migrated and nothing more where it `is_empty` or of another kind. Unlike tests in the process, it
    sees nothing of theirs. `serve` starts the web processes.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        environment: Mapping[str, str] | None = None,
        database_url: str = "",
        is_empty: bool = False,
        serve: tuple[str, ...] = SERVE,
    ) -> None:
        self.data_dir = Path(tempfile.mkdtemp(prefix="live-", dir=os.environ["DATA_DIR"]))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.url}/v1"
        self.workers_wanted = workers
        self._serve = serve
        self._owns_database = not database_url
        self._people: People | None = None
        if database_url and not is_empty and furnished().copy_into(database_url):
            self._people = furnished().people
        self._is_empty = is_empty or bool(database_url and self._people is None)
        self.database_url = database_url or self._make_database()
        redis_url = os.environ["REDIS_URL"]
        self.environment = {
            **os.environ,
            "SECRET_KEY": secrets.token_urlsafe(50),
            # Of a furnished database: what it stores is under this one.
            "BYOK_ENCRYPTION_KEY": Fernet.generate_key().decode() if self._is_empty else furnished().ring,
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": another_database(redis_url) if redis_url else "",
            "DEBUG": "0",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
            # Seconds of CPU for each process, which few tests need and those can wait for.
            "PRELOAD_LITELLM": "0",
            # Every stop would wait for the test's own idle connections, which ask no more.
            "SHUTDOWN_IDLE_S": "0.5",
            **(environment or {}),
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            if not self._owns_database and self._people is None:
                self.manage("migrate")
            self.start()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()

    @property
    def people(self) -> People:
        """Who move in when they are asked for, unless they were there from the beginning."""
        self._people = self._people or move_in(self.environment)
        return self._people

    @property
    def log(self) -> str:
        """What all processes wrote so far, the stopped ones included."""
        path = self.data_dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def web_workers(self) -> list[int]:
        """Their pids, without the parent that supervises them; one alone is its own parent."""
        web = self.started[0].pid
        return [child.pid for child in children_of(web) if WEB_WORKER_MARK in child.command] or [web]

    def start(self) -> None:
        """The web processes; returns when each of the workers is up and a call could be served."""
        self.started.insert(0, self._run(self._serve))
        eventually(self._is_ready, READY_TIMEOUT_S, what=lambda: f"The server did not get ready:\n{self.log}")

    def start_worker(self) -> None:
        """The Celery worker with beat, as `make worker` starts it."""
        self.started.append(self._run(WORKER))

    def manage(self, *arguments: str) -> str:
        """Runs a management command; its standard output. AssertionError unless it exits with 0."""
        return manage(self.environment, *arguments)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Reads the server's database past the server."""
        if self.database_url.startswith("postgres"):
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(sql.encode()).fetchall()
        database = sqlite3.connect(urlsplit(self.database_url).path, timeout=20)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def kill_worker(self, pid: int | None = None) -> int:
        """SIGKILL to one of the web workers, as when memory runs out; its pid. The parent starts another."""
        pid = pid or self.web_workers[0]
        kill(pid)
        return pid

    def stop(self) -> None:
        """SIGTERM to what was started, as a service manager does; AssertionError if any process outlives it."""
        started, self.started = self.started, []
        for process in started:
            stop(process, signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)
        leftovers = [leftover for process in started for leftover in _outliving(process.pid)]
        for leftover in leftovers:
            kill(leftover.pid)
        assert not leftovers, f"These outlived the server: {leftovers}\n{self.log}"

    def destroy(self) -> None:
        """Stops it and removes its database and files."""
        try:
            self.stop()
        finally:
            if self._owns_database and self.database_url.startswith("postgres"):
                drop_database(os.environ["DATABASE_URL"], self._database_name)
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def _make_database(self) -> str:
        if not self._is_empty:
            self._people = furnished().people
        return furnished().copy(self._database_name, self.data_dir, is_empty=self._is_empty)

    @property
    def _database_name(self) -> str:
        return self.data_dir.name

    def _run(self, command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        with (self.data_dir / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
            )

    def _is_ready(self) -> bool:
        assert self.started[0].poll() is None, f"The server ended by itself:\n{self.log}"
        if len(self.web_workers) < self.workers_wanted:
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5):
                return True
        except HTTPError as refusal:
            # It has the connection, which would be left to the garbage collector.
            refusal.close()
            return False
        except OSError:
            return False


def _outliving(session: int) -> list[Process]:
    """Who is left of a session; multiprocessing's resource tracker gets a moment, it ends after its parent."""
    with suppress(AssertionError):
        eventually(lambda: not in_session_of(session), LAST_MOMENT_S)
    return in_session_of(session)
