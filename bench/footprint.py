"""What one web worker keeps under load: connections to PostgreSQL, memory."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import httpx
import psycopg

from bench import measure, procfs
from bench.measure import CELLS
from bench.servers import DATABASES, Peer

PAGE_READERS = 16
_LOOK_EVERY_S = 0.1
# A server looking after its tables (autovacuum) is there too.
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"


def most_connections(peer: Peer, server_url: str, *, duration_s: float) -> int:
    """The most that were open at any look, under plain calls and streams, with people reading their balance besides and
    somebody whose calls have an Idempotency-Key.
    """
    over = Event()
    with ThreadPoolExecutor(PAGE_READERS + 1) as others, psycopg.connect(server_url, autocommit=True) as connection:
        try:
            busy = [others.submit(_read_balance, peer, over) for _ in range(PAGE_READERS)]
            busy.append(others.submit(_call_once, peer, over))
            most = max(
                _most_during(connection, peer, cell, duration_s) for cell in (CELLS["plain-32"], CELLS["stream-32"])
            )
        finally:
            over.set()
        for done in busy:
            done.result()
    return most


def memory(peer: Peer, *, steps: int = 5, requests: int = 20_000) -> Iterator[tuple[int, float]]:
    """After each step: how many plain requests were served so far, and MiB of resident memory."""
    for step in range(1, steps + 1):
        measure.ask(peer, CELLS["plain-32"], requests=requests)
        yield step * requests, procfs.rss_mib(peer.pid)


def _most_during(
    connection: "psycopg.Connection[tuple[int]]", peer: Peer, cell: measure.Cell, duration_s: float
) -> int:
    most = 0
    with measure.loading(peer, cell, duration_s=duration_s) as load:
        measure.begin(load)
        while load.poll() is None:
            row = connection.execute(_COUNT, [DATABASES["postgres"]]).fetchone()
            assert row is not None
            most = max(most, row[0])
            time.sleep(_LOOK_EVERY_S)
        measure.finish(load)
    return most


def _read_balance(peer: Peer, over: Event) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {peer.key}"}, timeout=60) as client:
        while not over.is_set():
            client.get(f"http://127.0.0.1:{peer.port}/api/v1/llm/credits").raise_for_status()


def _call_once(peer: Peer, over: Event) -> None:
    body = {"model": peer.model_for(paced=False), "messages": [{"role": "user", "content": "Hello"}]}
    with httpx.Client(headers={"Authorization": f"Bearer {peer.key}"}, timeout=60) as client:
        while not over.is_set():
            client.post(peer.url, json=body, headers={"Idempotency-Key": uuid4().hex}).raise_for_status()
