"""No way of entering a base URL takes a hostile one, and where one is stored all the same, nobody is connected to."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from llmconfig.models import AIServer
from opscenter.core.models import User
from tests.admin.site import Site
from tests.llmconfig.api import Api
from tests.outbound.calling import call_all, rows, targets
from tests.outbound.listeners import Listener
from tests.outbound.urls import LOOPBACK, NAMES, NEVER, PRIVATE, at

pytestmark = [pytest.mark.once, pytest.mark.parametrize("private_allowed", [True, False])]


@pytest.fixture
def refused(private_allowed: bool, settings: Any) -> list[str]:
    """What may not be stored under this setting; where it is stricter, some of what no setting allows."""
    settings.ALLOW_PRIVATE_AI_SERVERS = private_allowed
    return at(9, NEVER) if private_allowed else at(9, NEVER[::4], PRIVATE, LOOPBACK, NAMES[:2])


def test_the_api_stores_none(alice: Api, refused: list[str]) -> None:
    body = {"name": "gpu", "server_type": "vllm"}
    statuses = {url: alice.post("servers", {**body, "base_url": url}).status for url in refused}

    assert {url: status for url, status in statuses.items() if status != 422} == {}
    assert AIServer.objects.count() == 0


def test_the_api_moves_no_server_to_one(alice: Api, refused: list[str]) -> None:
    path = f"servers/{alice.server(base_url='http://8.8.8.8')['id']}"
    statuses = {url: alice.patch(path, {"base_url": url}).status for url in refused}

    assert {url: status for url, status in statuses.items() if status != 422} == {}
    assert AIServer.objects.get().base_url == "http://8.8.8.8"


def test_the_admin_stores_none(operator: User, refused: list[str]) -> None:
    site, page = Site(operator), "llm_aiserver_add"
    form = site.form(page)
    for url in refused[::3]:
        answer = site.post(page, data={**form, "name": "gpu", "server_type": "vllm", "base_url": url})
        assert answer.status_code == 200, url

    assert AIServer.objects.count() == 0


def test_the_model_itself_takes_none(refused: list[str]) -> None:
    accepted = []
    for url in {*refused, *at(9, NEVER)}:
        try:
            AIServer(name="gpu", server_type="vllm", base_url=url).clean()
        except ValidationError:
            continue
        accepted.append(url)

    assert accepted == []


def test_one_that_is_stored_all_the_same_is_not_called(
    alice: Api, canary: Listener, dialled: list[str], private_allowed: bool, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = private_allowed
    urls = at(canary.port, NEVER) if private_allowed else at(canary.port, NEVER[::4], PRIVATE, LOOPBACK, NAMES)
    for server in rows(urls):
        tested = alice.post(f"servers/{server.pk}/test")
        assert (tested.status, tested.body["status"]) == (200, "unhealthy"), server.base_url
        assert alice.get(f"servers/{server.pk}/models").status == 502, server.base_url

    assert call_all(targets()) == len(urls) * 4
    assert canary.connections == 0
    assert dialled == []


def test_the_listener_would_have_counted(
    alice: Api, canary: Listener, dialled: list[str], private_allowed: bool, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = True
    urls = at(canary.port, LOOPBACK) if private_allowed else at(canary.port, LOOPBACK[:2])
    for server in rows(urls):
        alice.post(f"servers/{server.pk}/test")

    call_all(targets())
    assert canary.connections >= len(urls) * 4
    assert len(dialled) >= len(urls) * 4
