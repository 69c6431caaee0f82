"""The ledger by itself: bench.pairs, run on SQLite and on PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench import procfs
from bench.servers import Servers
from tests import ROOT
from tests.postgres_server import create_database

DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
WAYS = {
    "group": "64 callers, committed in groups",
    "one-by-one": "one by one, one connection",
    "parallel": "one by one, 8 connections at once",
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many reserve-and-settle pairs a second."""

    database: str
    wallets: int
    way: str
    per_s: float


def measure(servers: Servers, *, core: int, rounds: int, duration_s: float) -> Iterator[Pairs]:
    """On each database, all ways in turn, pinned to `core`. Raises CalledProcessError unless the books balance."""
    for database in DATABASES:
        command = [sys.executable, "-m", "bench.pairs", f"--rounds={rounds}", f"--duration-s={duration_s}"]
        environment = {**os.environ, "DATABASE_URL": _empty_database(servers, database)}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            procfs.pin(process.pid, core)
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    yield Pairs(database=database, **json.loads(line))
            finally:
                process.terminate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)


def _empty_database(servers: Servers, database: str) -> str:
    if database == "postgres":
        return create_database(servers.postgres.url(), "pairs")
    return f"sqlite:///{servers.folder / 'pairs.sqlite3'}"
