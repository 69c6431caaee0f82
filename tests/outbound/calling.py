"""Calling an AI server's row as the gateway does, over each transport, whatever the row says."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.transports.base import Call, Transport
from gateway.transports.errors import UpstreamError
from gateway.transports.formats.chat import CHAT
from gateway.transports.litellm import LiteLLM, load
from gateway.transports.relay import Relay
from llmconfig.models import AIServer
from llmconfig.target import Target, implicit
from llmconfig.upstreams import Upstreams
from tests.gateway.transports.conftest import attempt

TRANSPORTS: tuple[type[Relay] | type[LiteLLM], ...] = (Relay, LiteLLM)


def rows(urls: Iterable[str]) -> list[AIServer]:
    """Written past every validation."""
    servers = [AIServer(name=str(n), server_type="vllm", base_url=url) for n, url in enumerate(urls)]
    return AIServer.objects.bulk_create(servers)


def targets() -> list[Target]:
    """What the configuration snapshot makes of all servers that are stored."""
    upstreams = Upstreams.load()
    found = [upstreams.of_provider(server) for server in AIServer.objects.all()]
    return [implicit(upstream, "m", "chat") for upstream in found if upstream is not None]


def call_all(targets: Iterable[Target]) -> int:
    """Call each target over both transports, plain and streamed; how many calls failed, which all have to."""
    load()
    return asyncio.run(_call_all(list(targets)))


async def _call_all(targets: list[Target]) -> int:
    failed = 0
    for make in TRANSPORTS:
        transport: Transport = make()
        for target in targets:
            for stream in (False, True):
                with pytest.raises(UpstreamError):
                    await attempt(transport, _call(target, stream=stream))
                failed += 1
        await transport.aclose()
    return failed


def _call(target: Target, *, stream: bool) -> Call:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    if stream:
        body |= {"stream": True}
    deadline = asyncio.get_running_loop().time() + 20
    return Call(target=target, body=body, deadline=deadline, idle_timeout_s=10, format=CHAT)
