"""Pages timed whole, by Django's test client in this process, on a PostgreSQL of their own: all but the network."""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, cast

from tests.postgres_server import PostgresServer, create_database
from tests.services import prepare

TARGET_MS = 300
TRIES = 7


class Timed(NamedTuple):
    what: str
    median_ms: float
    longest_ms: float
    queries: int


@contextmanager
def installation(name: str) -> Iterator[None]:
    """Django set up on a new, empty PostgreSQL of this run."""
    with ExitStack() as stack:
        prepare("sqlite", lambda cleanup: cast(None, stack.callback(cleanup)))
        postgres = PostgresServer(durable=False)
        stack.callback(postgres.destroy)
        postgres.start()
        os.environ["DATABASE_URL"] = create_database(postgres.url(), name)
        os.environ["ALLOWED_HOSTS"] = "*"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")
        import django  # noqa: PLC0415 - reads the environment that was just made

        django.setup()
        yield


def timed(what: str, client: Any, address: str) -> Timed:
    """TRIES times after a first, which counts the statements."""
    from django.db import connection  # noqa: PLC0415 - needs the settings
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    # Before the next request empties the log that they are in.
    queries = len(captured)
    assert answer.status_code == 200, (address, answer.status_code)
    took = []
    for _ in range(TRIES):
        began = time.perf_counter()
        client.get(address)
        took.append((time.perf_counter() - began) * 1000)
    found = Timed(what, statistics.median(took), max(took), queries)
    print(f"{found.median_ms:8.1f} ms {found.longest_ms:8.1f} ms {found.queries:3}  {what}", flush=True)
    return found


def table(rows: list[Timed]) -> list[str]:
    """Markdown."""
    return [
        "| what | median (ms) | longest (ms) | statements |",
        "|---|---:|---:|---:|",
        *(f"| {row.what} | {row.median_ms:.1f} | {row.longest_ms:.1f} | {row.queries} |" for row in rows),
    ]
