"""The outbound guard is inside both transports: what counts is how many connections a listener saw."""

from typing import Any

import pytest

from gateway.transports.base import Transport
from gateway.transports.errors import UpstreamBadRequest, UpstreamUnreachable
from gateway.transports.litellm import LiteLLM, load
from tests.gateway.transports.conftest import Canary, Scripted, attempt, chunk, make_call

pytestmark = pytest.mark.asyncio

PROVIDERS = ("openai", "hosted_vllm", "anthropic", "gemini", "cohere_chat", "ollama_chat", "mistral")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_a_private_address_is_not_connected_to_without_permission(
    transport: Transport, canary: Canary, stream: bool
) -> None:
    call = make_call(f"http://127.0.0.1:{canary.port}/v1", stream=stream, target={"is_private_network": False})
    with pytest.raises(UpstreamUnreachable):
        await attempt(transport, call)
    assert canary.connections == 0


async def test_the_listener_would_have_seen_a_connection(transport: Transport, canary: Canary) -> None:
    with pytest.raises(UpstreamUnreachable):
        await transport.complete(make_call(f"http://127.0.0.1:{canary.port}/v1"))
    assert canary.connections == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"])
async def test_a_link_local_address_is_refused_even_where_private_ones_are_allowed(
    transport: Transport, canary: Canary, host: str
) -> None:
    with pytest.raises(UpstreamUnreachable):
        await transport.complete(make_call(f"http://{host}:{canary.port}/v1", deadline_s=5))
    assert canary.connections == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_kind_of_litellm_client_is_guarded(
    litellm_transport: LiteLLM, canary: Canary, provider: str
) -> None:
    for stream in (False, True):
        target = {"is_private_network": False, "litellm_provider": provider}
        with pytest.raises(UpstreamUnreachable):
            await attempt(
                litellm_transport,
                make_call(f"http://127.0.0.1:{canary.port}", stream=stream, target=target),
            )
    assert canary.connections == 0


@pytest.mark.parametrize("is_own", [False, True], ids=["elsewhere", "at the upstream itself"])
async def test_permission_for_a_private_upstream_is_not_permission_for_an_image(
    litellm_transport: LiteLLM, scripted: Scripted, canary: Canary, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    monkeypatch.setattr(load(), "user_url_validation", False)  # LiteLLM's own guard, so that ours is seen
    upstream = scripted.api_base.removesuffix("/v1")
    origin = upstream if is_own else f"http://127.0.0.1:{canary.port}"
    image = {"type": "image_url", "image_url": {"url": f"{origin}/secret.png"}}
    call = make_call(
        upstream,
        target={"litellm_provider": "anthropic"},
        messages=[{"role": "user", "content": [image]}],
    )
    with pytest.raises(UpstreamBadRequest):
        await litellm_transport.complete(call)
    assert canary.connections == 0
    assert scripted.requests == []


async def test_a_permission_does_not_stick_to_a_cached_client(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.says(chunk("hello"), chunk(finish="stop"))
    assert await attempt(litellm_transport, make_call(scripted.api_base, stream=True))
    refused = make_call(scripted.api_base, stream=True, target={"is_private_network": False})
    with pytest.raises(UpstreamUnreachable):
        await attempt(litellm_transport, refused)
    assert len(scripted.requests) == 1


async def test_litellm_connects_to_nothing_outside_of_a_call(canary: Canary) -> None:
    arguments: dict[str, Any] = {"api_base": f"http://127.0.0.1:{canary.port}/v1", "api_key": "k"}
    messages = [{"role": "user", "content": "hello"}]
    litellm: Any = load()
    with pytest.raises(litellm.exceptions.InternalServerError):
        await litellm.acompletion(model="openai/m", messages=messages, max_retries=0, **arguments)
    assert canary.connections == 0
