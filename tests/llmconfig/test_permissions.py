"""Who may do what: every route, every method, every persona."""

import pytest
from django.utils import timezone

from llmconfig.models import ProviderHealth
from llmconfig.urls import urlpatterns
from tests.llmconfig.api import Api, chat_on, on_server

pytestmark = pytest.mark.once

READS = (
    "servers",
    "servers/{server}",
    "api-keys",
    "api-keys/{key}",
    "active",
    "active/chat",
    "models",
    "models/{model}",
    "deployments",
    "deployments/{deployment}",
    "health",
)
WRITES = (
    ("POST", "servers"),
    ("PUT", "servers/{server}"),
    ("PATCH", "servers/{server}"),
    ("DELETE", "servers/{server}"),
    ("POST", "servers/{server}/test"),
    ("POST", "api-keys"),
    ("PUT", "api-keys/{key}"),
    ("PATCH", "api-keys/{key}"),
    ("DELETE", "api-keys/{key}"),
    ("POST", "api-keys/{key}/test"),
    ("POST", "active"),
    ("DELETE", "active/chat"),
    ("POST", "models"),
    ("PUT", "models/{model}"),
    ("PATCH", "models/{model}"),
    ("DELETE", "models/{model}"),
    ("POST", "deployments"),
    ("PUT", "deployments/{deployment}"),
    ("PATCH", "deployments/{deployment}"),
    ("DELETE", "deployments/{deployment}"),
)


@pytest.fixture
def ids(alice: Api) -> dict[str, int]:
    server, key = alice.server(), alice.key()
    model = alice.model(on_server(server))
    alice.post("active", chat_on("ai_server", server, "m1"))
    deployment = model["deployments"][0]
    return {"server": server["id"], "key": key["id"], "model": model["id"], "deployment": deployment["id"]}


def test_reading_needs_llm_read(ids: dict[str, int], alice: Api, bob: Api, charlie: Api, nobody: Api) -> None:
    for path in READS:
        answers = [person.get(path.format(**ids)).status for person in (alice, bob, charlie, nobody)]
        assert answers == [200, 200, 403, 401], path


def test_where_servers_are_is_for_operators(alice: Api, bob: Api, ids: dict[str, int]) -> None:
    alice.patch(f"servers/{ids['server']}", {"metadata": {"rack": "gpu.example"}})
    alice.patch(f"api-keys/{ids['key']}", {"metadata": {"account": "gpu.example"}})
    ProviderHealth.objects.create(
        subject="server:1", server_id=ids["server"], due_at=timezone.now(), message="Not called: gpu.example."
    )
    assert bob.get(f"servers/{ids['server']}").body["base_url"] is None

    for path in (path.format(**ids) for path in READS):
        shown = "gpu.example" in alice.get(path).text, "gpu.example" in bob.get(path).text
        assert shown == (not path.startswith(("models", "deployments")), False), path


def test_writing_is_refused_without_its_permission(ids: dict[str, int], bob: Api, charlie: Api, nobody: Api) -> None:
    for method, path in WRITES:
        answers = [person.call(method, path.format(**ids), {}).status for person in (bob, charlie, nobody)]
        assert answers == [403, 403, 401], (method, path)


def test_the_refusal_names_the_permission(bob: Api) -> None:
    assert "llm.manage_providers" in bob.post("servers").message
    assert "llm.manage_models" in bob.post("models").message
    assert "llm.configure" in bob.post("active").message


def test_every_view_declares_what_it_needs() -> None:
    for pattern in urlpatterns:
        needed = pattern.callback.cls.required_permissions  # type: ignore[attr-defined]  # DRF's views have cls
        assert {"GET", "*"} <= set(needed), pattern
