"""Whatever path a change comes by, the audit log says who made it, from where, and in which request."""

from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any

import pytest
from celery import current_app, shared_task
from celery.contrib.testing.worker import start_worker
from django.db import connections
from django.test import Client

from gateway.services import keys
from llmconfig.models import AIServer
from llmconfig.services import servers
from opscenter.command_line import execute
from opscenter.core.actor import Actor, acting_as, current_actor
from opscenter.core.models import AuditEntry, User
from tests.eventually import eventually

pytestmark = pytest.mark.once

FIELDS = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000"}
AWAY = {"REMOTE_ADDR": "192.0.2.7"}


@shared_task(name="tests.disable_servers")
def disable_servers() -> None:
    for server in AIServer.objects.enabled():
        servers.update(server=server, fields={"enabled": False})


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password=token_urlsafe())


def last() -> tuple[str, int | None, str | None, str]:
    """Source, user, address and request of the newest entry."""
    entry = AuditEntry.objects.latest("id")
    return entry.source, entry.user_id, entry.address, entry.request_id


def test_the_admin(root: User) -> None:
    client = Client(**AWAY)  # type: ignore[arg-type]  # the defaults of every request's environment
    client.force_login(root)

    answer = client.post("/admin/llm/aiserver/add/", {**FIELDS, "metadata": "{}", "use_for_chat": "on"})

    assert (answer.status_code, AuditEntry.objects.latest("id").entity_type) == (302, "ai_servers")
    assert last() == ("admin", root.pk, "192.0.2.7", answer.headers["x-request-id"])


@pytest.mark.parametrize("by", ["session", "token"])
def test_the_api(by: str, root: User) -> None:
    client = Client(**AWAY)  # type: ignore[arg-type]  # as above
    headers = {}
    if by == "session":
        client.force_login(root)
    else:
        headers["Authorization"] = f"Bearer {keys.issue_access_token(user=root).plaintext}"

    answer = client.post("/api/v1/llm-config/servers", FIELDS, "application/json", headers=headers)

    assert (answer.status_code, AuditEntry.objects.latest("id").entity_type) == (201, "ai_servers")
    assert last() == ("api", root.pk, "192.0.2.7", answer.headers["x-request-id"])


@pytest.mark.parametrize(("peer", "address"), [("fe80::1%eth0", "fe80::1"), ("unix:", None), ("", None)])
def test_a_peer_that_is_no_plain_address_keeps_no_change_from_being_made(
    peer: str, address: str | None, root: User
) -> None:
    client = Client(REMOTE_ADDR=peer)
    client.force_login(root)

    assert client.post("/api/v1/llm-config/servers", FIELDS, "application/json").status_code == 201
    assert last()[:3] == ("api", root.pk, address)


@pytest.mark.django_db(transaction=True)
def test_a_command_even_of_djangos_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It closes its connections."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", token_urlsafe())

    execute(["manage.py", "createsuperuser", "--noinput", "--username=second", "--email=second@example.com", "-v0"])

    assert AuditEntry.objects.latest("id").entity_id == str(User.objects.get(username="second").pk)
    assert last() == ("command:createsuperuser", None, None, "")
    assert current_actor().source == "unknown"


def test_a_task_that_runs_where_it_was_asked_for(root: User) -> None:
    servers.create(fields=FIELDS)

    with acting_as(Actor(root.pk, "api", "192.0.2.7", "a-request")), pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "task_always_eager", True)
        disable_servers.delay()
        assert current_actor().source == "api"

    assert last() == ("task:disable_servers", root.pk, "192.0.2.7", "a-request")


@pytest.fixture
def broker() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "broker_url", "memory://")
        patch.setattr(current_app.conf, "broker_transport_options", {})
        _forget_connections()
        yield
    _forget_connections()


def _forget_connections() -> None:
    app: Any = current_app
    app._pool = app.amqp._producer_pool = None  # so that the next one asks the settings again


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", [True, False])
def test_a_task_that_a_worker_runs(asked: bool, broker: None) -> None:
    server, root = servers.create(fields=FIELDS), User.objects.create_superuser("root", password=token_urlsafe())
    actor = Actor(root.pk, "admin", "192.0.2.7", "a-request") if asked else Actor(None, "unknown")

    with acting_as(actor):
        disable_servers.apply_async()
    with start_worker(current_app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
        eventually(lambda: not AIServer.objects.get(pk=server.pk).enabled, timeout_s=60)
    connections.close_all()

    assert last() == ("task:disable_servers", *((root.pk, "192.0.2.7", "a-request") if asked else (None, None, "")))
