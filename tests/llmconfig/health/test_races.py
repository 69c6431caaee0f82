"""A provider that is deleted while a check of it is recorded: one waits for the other, nothing is left of either."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from llmconfig.health import recording, schedule
from llmconfig.models import AIServer, HealthCheck, ProviderHealth, ProviderKey
from llmconfig.services import provider_keys, servers
from llmconfig.services.probe import Probe
from opscenter.core.db import own_connection
from tests.eventually import eventually
from tests.llmconfig.health.watching import make_due

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite doesn't tell who waits"),
    pytest.mark.django_db(transaction=True),
]

GOOD = Probe("healthy", latency_ms=7)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def hesitates(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """(the result is written, it may be committed)"""
    written, may_commit = Event(), Event()
    update = recording._update

    def updating(*arguments: Any) -> None:
        update(*arguments)
        written.set()
        assert may_commit.wait(60)

    monkeypatch.setattr(recording, "_update", updating)
    return written, may_commit


def a_server() -> Callable[[], object]:
    server = servers.create(fields={"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example"})
    return lambda: servers.delete(server=AIServer.objects.get(pk=server.pk))


def a_key() -> Callable[[], object]:
    key = provider_keys.create(fields={"provider": "openai", "key_name": "main"}, api_key=uuid4().hex)
    return lambda: provider_keys.delete(key=ProviderKey.objects.get(pk=key.pk))


def in_thread(pool: ThreadPoolExecutor, call: Callable[[], object]) -> "Future[object]":
    def run() -> object:
        own_connection()
        try:
            return call()
        finally:
            connection.close()

    return pool.submit(run)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("make", [a_server, a_key])
def test_a_result_that_is_recorded_keeps_nobody_from_deleting_the_provider(
    make: Callable[[], Callable[[], object]], pool: ThreadPoolExecutor, hesitates: tuple[Event, Event]
) -> None:
    delete, (written, may_commit) = make(), hesitates
    make_due()
    claim = uuid4()
    (health,) = schedule.claim(claim=claim, limit=5)

    recorded = in_thread(pool, lambda: recording.record(asked=health, result=GOOD, claim=claim))
    assert written.wait(60)
    deleted = in_thread(pool, delete)
    eventually(somebody_waits)
    may_commit.set()

    assert recorded.result(60)
    deleted.result(60)
    assert not ProviderHealth.objects.exists()
    assert not HealthCheck.objects.exists()
