"""GET health: how providers are, for programs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from llmconfig.models import ProviderKey
from opscenter.core.models import User
from tests.llmconfig.api import OPENAI_SECRET, SERVER_SECRET, Api
from tests.llmconfig.health.watching import check
from tests.upstream import Upstream


@pytest.fixture
def watched(alice: Api, upstream: Upstream, settings: Any) -> dict[str, Any]:
    """A server that was down once in two checks, and a key."""
    settings.PROVIDER_API_BASES = {"openai": f"{upstream.origin}/keys"}
    server, key = alice.server(base_url=upstream.origin, api_key=SERVER_SECRET), alice.key()
    upstream.behave("/v1/models", "status-500", "ok")
    check(2)
    return {"server": server, "key": key}


def test_who_reads_configuration_reads_how_providers_are(alice: Api, bob: Api, watched: dict[str, Any]) -> None:
    answer = bob.get("health?ordering=latency_ms")

    rows = {row["name"]: row for row in answer.body["results"]}
    assert set(rows) == {"gpu", "openai: main"}
    server = rows["gpu"]
    assert (server["provider_type"], server["provider_id"]) == ("ai_server", watched["server"]["id"])
    assert (server["status"], server["uptime_24h"], server["message"]) == ("unhealthy", 50.0, None)
    assert "2 models." in alice.get("health").text
    assert rows["openai: main"]["provider_type"] == "api_key"
    assert SERVER_SECRET not in answer.text
    assert OPENAI_SECRET not in answer.text
    assert [row["name"] for row in bob.get("health?status=unhealthy").body["results"]] == ["gpu"]


def test_consumers_own_keys_are_nobody_elses_business(bob: Api, watched: dict[str, Any]) -> None:
    ProviderKey.objects.update(owner=User.objects.create_user("dora"))

    assert [row["name"] for row in bob.get("health").body["results"]] == ["gpu"]


def test_others_and_writing_are_refused(alice: Api, charlie: Api) -> None:
    assert charlie.get("health").status == 403
    assert alice.post("health", {}).status == 405


def test_its_queries_do_not_grow(alice: Api, upstream: Upstream, watched: dict[str, Any]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alice.get("health").status == 200
        return len(captured)

    few = queries()
    for n in range(5):
        alice.server(name=f"gpu{n}", base_url=upstream.origin)
    check()

    assert queries() == few
