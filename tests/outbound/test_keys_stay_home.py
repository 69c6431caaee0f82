"""A stored key is sent to the origin that it was stored for, and nowhere else."""

from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any

import pytest

from llmconfig.models import AIServer
from llmconfig.services import servers
from llmconfig.snapshot import load
from opscenter.core.models import User
from tests.admin.site import Site
from tests.llmconfig.api import Api, on_key
from tests.outbound.calling import call_all, targets
from tests.outbound.listeners import Listener, redirect_to

pytestmark = pytest.mark.once

KEY = token_urlsafe(24)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def home() -> Iterator[Listener]:
    """Where the key belongs; it answers nothing."""
    with Listener().running() as listener:
        yield listener


@pytest.fixture
def server(home: Listener, operator: User) -> AIServer:
    return servers.create(
        fields={"name": "gpu", "server_type": "vllm", "base_url": f"http://127.0.0.1:{home.port}"}, api_key=KEY
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(alice: Api, server: AIServer, home: Listener, canary: Listener, status: int) -> None:
    home.reply = redirect_to(f"http://127.0.0.1:{canary.port}/v1/chat/completions", status)

    alice.post(f"servers/{server.pk}/test")
    assert alice.get(f"servers/{server.pk}/models").status == 502
    call_all(targets())

    assert home.connections >= 6
    assert canary.connections == 0


def test_proxies_of_the_environment_are_not_used(
    alice: Api, server: AIServer, home: Listener, canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    monkeypatch.setenv("NO_PROXY", "")

    alice.post(f"servers/{server.pk}/test")
    call_all(targets())

    assert home.connections >= 5
    assert canary.connections == 0


def test_passwords_of_a_netrc_file_are_not_sent(
    alice: Api, server: AIServer, home: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login bob password {token_urlsafe(12)}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    servers.update(server=server, fields={}, api_key="")

    alice.post(f"servers/{server.pk}/test")
    call_all(targets())

    assert home.connections >= 5
    assert not any(b"basic" in head.lower() for head in home.heads)


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OPENAI_API_BASE", "HOSTED_VLLM_API_BASE", "ANTHROPIC_API_BASE"])
def test_an_address_in_the_environment_does_not_replace_the_stored_one(
    server: AIServer, home: Listener, canary: Listener, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}/v1")

    call_all(targets())

    assert home.connections >= 4
    assert all(KEY.encode() in head for head in home.heads)
    assert canary.connections == 0


def test_a_server_that_moves_does_not_take_its_key_along(
    alice: Api, operator: User, server: AIServer, home: Listener, canary: Listener
) -> None:
    moved = f"http://127.0.0.1:{canary.port}"
    path = f"servers/{server.pk}"
    form = Site(operator).form("llm_aiserver_change", server.pk) | {"base_url": moved}

    assert alice.patch(path, {"base_url": moved}).code == "api_key_needed"
    assert Site(operator).post("llm_aiserver_change", server.pk, data=form).status_code == 200
    alice.post(f"{path}/test")
    call_all(targets())

    assert canary.connections == 0
    assert home.connections >= 5
    assert alice.patch(path, {"base_url": moved, "api_key": ""}).status == 200
    alice.post(f"{path}/test")
    call_all(targets())
    assert canary.connections >= 5
    assert not any(KEY.encode() in head for head in canary.heads)


@pytest.mark.parametrize("slug", ["openai", "anthropic", "google"])
def test_a_public_providers_key_goes_to_no_private_address(
    alice: Api, canary: Listener, settings: Any, slug: str
) -> None:
    settings.PROVIDER_API_BASES = {slug: f"http://127.0.0.1:{canary.port}"}
    settings.ALLOW_PRIVATE_AI_SERVERS = False
    key = alice.key(provider=slug)
    alice.model(on_key(key), input_price="1")

    assert "private" in alice.post(f"api-keys/{key['id']}/test").body["message"]
    called = load().models["m1"].targets
    call_all(called)

    assert len(called) == 1
    assert canary.connections == 0


def test_an_installation_may_point_a_provider_at_an_address_of_its_own(
    alice: Api, canary: Listener, settings: Any
) -> None:
    settings.PROVIDER_API_BASES = {"openai": f"http://127.0.0.1:{canary.port}"}
    key = alice.key()
    alice.model(on_key(key), input_price="1")

    alice.post(f"api-keys/{key['id']}/test")
    call_all(load().models["m1"].targets)

    assert canary.connections >= 5
