"""Both transports, the test upstream on the test's own loop, and a scripted one for what only a byte can tell."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.transports.base import Call, Transport, UpstreamStream
from gateway.transports.chunk import Chunk
from gateway.transports.formats.chat import CHAT
from gateway.transports.litellm import LiteLLM, load
from gateway.transports.relay import Relay
from tests.upstream.server import UpstreamServer

KEY = f"sk-{'k' * 32}"


@dataclass(frozen=True)
class SomeTarget:
    api_base: str
    key: str = "d:1"
    provider: str = "local"
    purpose: str = "chat"
    server_type: str | None = "vllm"
    litellm_provider: str = "openai"
    upstream_model: str = "test-model"
    api_key: str | None = KEY
    timeout_s: float = 20.0
    is_private_network: bool = True


def make_call(
    api_base: str,
    model: str = "test-model",
    *,
    stream: bool = False,
    deadline_s: float = 20.0,
    idle_timeout_s: float = 10.0,
    target: dict[str, Any] | None = None,
    **fields: Any,
) -> Call:
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello"}], **fields}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Call(
        target=SomeTarget(api_base, upstream_model=model, **(target or {})),
        body=body,
        deadline=asyncio.get_running_loop().time() + deadline_s,
        idle_timeout_s=idle_timeout_s,
        format=CHAT,
    )


async def read_all(stream: UpstreamStream) -> list[Chunk]:
    chunks: list[Chunk] = []
    try:
        while arrived := await stream.read():
            chunks += arrived
    finally:
        await stream.aclose()
    return chunks


def text_of(chunks: list[Chunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.body["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def usage_of(chunks: list[Chunk]) -> Any:
    return next((chunk.body["usage"] for chunk in reversed(chunks) if chunk.body.get("usage")), None)


@pytest_asyncio.fixture(params=[Relay, LiteLLM], ids=["relay", "litellm"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    load()
    transport = request.param()
    yield transport
    await transport.aclose()


@pytest_asyncio.fixture
async def litellm_transport() -> AsyncIterator[LiteLLM]:
    load()
    transport = LiteLLM()
    yield transport
    await transport.aclose()


@dataclass
class Upstream:
    server: UpstreamServer
    api_base: str


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Upstream]:
    server = UpstreamServer()
    async with Served(server.application()) as base:
        yield Upstream(server, f"{base}/v1")
        server.reset()


class Served:
    def __init__(self, application: web.Application) -> None:
        self.server = TestServer(application)

    async def __aenter__(self) -> str:
        await self.server.start_server(shutdown_timeout=0.1)
        return str(self.server.make_url("")).rstrip("/")

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()


class Scripted:
    """Answers every POST with the bytes it was given, and remembers the requests."""

    def __init__(self) -> None:
        self.api_base = ""
        self.frames: list[bytes] = []
        self.content_type = "text/event-stream"
        self.requests: list[Any] = []
        self.headers: list[Any] = []
        self.connections: set[Any] = set()

    def says(self, *events: Any, done: bool = True) -> None:
        self.content_type = "text/event-stream"
        self.frames = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
        if done:
            self.frames.append(b"data: [DONE]\n\n")

    def says_with_types(self, *events: dict[str, Any]) -> None:
        """Anthropic's way: an event line before each data line."""
        self.content_type = "text/event-stream"
        self.frames = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]

    def replies(self, body: Any) -> None:
        self.content_type = "application/json"
        self.frames = [json.dumps(body).encode()]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json() if request.can_read_body else None)
        self.headers.append(request.headers)
        self.connections.add(request.transport)
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        await response.prepare(request)
        for frame in self.frames:
            await response.write(frame)
        return response


@pytest_asyncio.fixture
async def scripted() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", scripted.answer)
    async with Served(application) as base:
        scripted.api_base = f"{base}/v1"
        yield scripted


class Canary:
    """A listener that nobody may connect to."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    def note(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Canary]:
    canary = Canary()
    server = await asyncio.start_server(canary.note, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    yield canary
    server.close()
    await server.wait_closed()


def chunk(content: str | None = None, *, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """One chunk of a stream, as OpenAI sends it."""
    delta = {} if content is None else {"content": content}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


Attempt = Callable[[Transport, Call], Awaitable[object]]


async def attempt(transport: Transport, call: Call) -> object:
    """The call to its very end, plain or stream, as its body says."""
    if call.body.get("stream"):
        return await read_all(await transport.stream(call))
    return await transport.complete(call)
