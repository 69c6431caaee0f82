"""Changes at the same time: one chain, and nobody waits for somebody who waits for them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction

from llmconfig.models import AIServer
from llmconfig.services import servers
from opscenter.core import audit, audit_check
from opscenter.core.db import own_connection
from opscenter.core.models import AuditEntry, User
from tests.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, EACH = 4, 10


def on_its_own(call: Callable[[], None]) -> None:
    own_connection()
    try:
        call()
    finally:
        connection.close()


def record_some(thread: int) -> None:
    for n in range(EACH):
        audit.record(action="update", entity_type="t", entity_id=f"{thread}.{n}", before={}, after={"n": n})


def test_entries_written_at_once_are_one_chain() -> None:
    before = AuditEntry.objects.count()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda thread: on_its_own(partial(record_some, thread)), range(THREADS)))

    report = audit_check.check()
    assert (report.entries, report.problems) == (before + THREADS * EACH, [])


def test_an_entry_whose_change_is_undone_leaves_no_gap() -> None:
    with transaction.atomic():
        audit.record(action="update", entity_type="t", entity_id=1, before={}, after={})
        transaction.set_rollback(True)

    audit.record(action="update", entity_type="t", entity_id=2, before={}, after={})

    assert audit_check.check().problems == []


def test_nobody_is_saved_whose_entry_can_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_user("alice", email="a@example.com")
    monkeypatch.setattr("opscenter.core.audit_chain.hash_of", _fail)

    user.email = "b@example.com"
    with pytest.raises(OSError, match="no hash"):
        user.save()

    assert User.objects.get().email == "a@example.com"


def _fail(entry: AuditEntry) -> str:
    raise OSError("no hash")


@pytest.mark.once
def test_two_operators_who_change_the_same_rows_do_not_lock_each_other_out() -> None:
    """SQLite has one lock for everything; on PostgreSQL this ends in a deadlock unless the log is locked first."""
    one, other = (_server(name) for name in ("one", "other"))
    changed_one = Event()

    def both() -> None:
        with transaction.atomic():
            servers.update(server=one, fields={"model_path": "a"})
            changed_one.set()
            eventually(_somebody_waits, timeout_s=60)
            servers.update(server=other, fields={"model_path": "a"})

    def the_other() -> None:
        assert changed_one.wait(60)
        servers.update(server=other, fields={"enabled": False})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(on_its_own, (both, the_other)))

    assert [(server.model_path, server.enabled) for server in AIServer.objects.order_by("name")] == [
        ("a", True),
        ("a", False),
    ]


def _somebody_waits() -> bool:
    """For this connection, at a lock of its own. SQLite doesn't say."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def _server(name: str) -> AIServer:
    return servers.create(fields={"name": name, "server_type": "vllm", "base_url": f"http://{name}.example"})
