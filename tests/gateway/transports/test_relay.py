"""The relay alone: reuse of connections, batching, and bytes that come out as they went in."""

import asyncio
import json
from collections.abc import AsyncIterator
from email.utils import formatdate
from time import time

import pytest
import pytest_asyncio
from pytest_django.fixtures import Settings

from gateway.transports.chunk import Chunk, received, translated
from gateway.transports.errors import UpstreamBroken, UpstreamRateLimited, UpstreamUnreachable
from gateway.transports.formats.chat import ChatEvents, Finishes
from gateway.transports.redaction import redact
from gateway.transports.relay import Relay
from gateway.transports.sse import MAX_EVENT_BYTES
from gateway.transports.wire import Sessions, retry_after_s
from opscenter.core.outbound import Policy
from tests.gateway.transports.conftest import KEY, Scripted, SomeTarget, chunk, make_call, read_all

BODY = json.dumps({"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}).encode()
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Dropping:
    """Answers the first `answers` requests of each connection, and hangs up on the next one without a word."""

    def __init__(self) -> None:
        self.answers = 1
        self.requests = 0
        self.api_base = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(self.answers):
                await self._read(reader)
                writer.write(REPLY)
            await self._read(reader)
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        self.requests += 1


@pytest_asyncio.fixture
async def dropping() -> AsyncIterator[Dropping]:
    dropping = Dropping()
    server = await asyncio.start_server(dropping.serve, "127.0.0.1", 0)
    dropping.api_base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield dropping
    server.close()
    await server.wait_closed()


@pytest_asyncio.fixture
async def relay() -> AsyncIterator[Relay]:
    relay = Relay()
    yield relay
    await relay.aclose()


@pytest.mark.asyncio
async def test_a_kept_alive_connection_that_was_dropped_is_replaced(relay: Relay, dropping: Dropping) -> None:
    for _ in range(2):
        reply = await relay.complete(make_call(dropping.api_base))
        assert reply.body["choices"][0]["message"]["content"] == "hi"
    assert dropping.requests == 3


@pytest.mark.asyncio
async def test_a_request_that_a_new_connection_swallowed_is_not_sent_again(relay: Relay, dropping: Dropping) -> None:
    dropping.answers = 0
    with pytest.raises(UpstreamUnreachable):
        await relay.complete(make_call(dropping.api_base))
    assert dropping.requests == 1


@pytest.mark.asyncio
async def test_bytes_pass_through_unchanged(relay: Relay, scripted: Scripted) -> None:
    event = b'{"choices" : [{"index":0, "delta":{"content":"h\\u00e9 \xc3\xa9"},"finish_reason":"stop"}],"x":1e2}'
    scripted.frames = [b"data: " + event + b"\n\n", b"data: [DONE]\n\n"]
    chunks = await read_all(await relay.stream(make_call(scripted.api_base, stream=True)))
    assert [part.raw for part in chunks] == [event]
    scripted.content_type, scripted.frames = "application/json", [BODY]
    assert (await relay.complete(make_call(scripted.api_base))).raw == BODY


@pytest.mark.asyncio
async def test_one_read_returns_all_that_has_arrived(relay: Relay, scripted: Scripted) -> None:
    events = [chunk(f"w{i}") for i in range(50)] + [chunk(finish="stop")]
    scripted.frames = [b"".join(b"data: %s\n\n" % json.dumps(e).encode() for e in events) + b"data: [DONE]\n\n"]
    stream = await relay.stream(make_call(scripted.api_base, stream=True))
    assert len(await stream.read()) == 51
    assert await stream.read() == []
    await stream.aclose()


@pytest.mark.asyncio
async def test_no_key_means_no_authorization(relay: Relay, scripted: Scripted) -> None:
    scripted.content_type, scripted.frames = "application/json", [BODY]
    assert await relay.complete(make_call(scripted.api_base, target={"api_key": None}))


def test_events_are_found_however_the_bytes_are_cut() -> None:
    stream = b': hi\r\n\r\ndata: {"a":1}\r\n\r\nevent: x\ndata:{"b":"\xc3\xa9"}\n\ndata: [DONE]\n\ndata: {"c":3}\n\n'
    for size in range(1, len(stream) + 1):
        events = ChatEvents()
        found: list[Chunk] = []
        for start in range(0, len(stream), size):
            found += events.feed(stream[start : start + size])
        assert [part.body for part in found] == [{"a": 1}, {"b": "é"}]
        assert events.done


def test_an_end_mark_without_a_line_end_is_an_end_mark() -> None:
    events = ChatEvents()
    events.feed(b"data: [DONE]")
    assert not events.done
    events.finish()
    assert events.done


@pytest.mark.parametrize("line", [b"data: {", b"data: []", b"data: 1", b'data: "\xff"', b"data: " + b"[" * 100_000])
def test_what_is_no_json_object_is_broken(line: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        ChatEvents().feed(line + b"\n")


def test_an_event_may_not_be_larger_than_allowed() -> None:
    events = ChatEvents()
    events.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 6))
    with pytest.raises(UpstreamBroken):
        events.feed(b"x")


@pytest.mark.parametrize("choices", [{"index": 0}, [1], ["x"], [{"index": []}], 7])
def test_choices_of_a_wrong_shape_are_broken(choices: object) -> None:
    with pytest.raises(UpstreamBroken):
        received(json.dumps({"choices": choices}).encode())


def test_a_word_after_its_finish_does_not_open_a_choice_again() -> None:
    finishes = Finishes()
    for body in (chunk("a"), chunk(finish="stop"), chunk("")):
        finishes.note(translated(body))
    assert finishes.complete


@pytest.mark.parametrize(("value", "expected"), [("7", 7.0), ("0.5", 0.5), ("-3", None), ("soon", None), ("", None)])
def test_retry_after_is_read_in_seconds(value: str, expected: float | None) -> None:
    assert retry_after_s({"Retry-After": value}) == expected


def test_retry_after_is_read_as_a_date() -> None:
    seconds = retry_after_s({"Retry-After": formatdate(time() + 60, usegmt=True)})
    assert seconds is not None
    assert 50 < seconds <= 60
    assert retry_after_s({"Retry-After": formatdate(0, usegmt=True)}) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Incorrect API key provided: {KEY}.", "Incorrect API key provided: [hidden]."),
        (f"Incorrect key sk-proj-{'x' * 20}", "Incorrect key [hidden]"),
        ("see https://user:pw@internal.example/x?key=1 now", "see [hidden] now"),
        ("no route to 10.0.0.7:8000\nTraceback", "no route to [hidden] Traceback"),
        ("gpu-7.cluster.internal:8000 said no", "[hidden] said no"),
        ("max_tokens must be at most 4096", "max_tokens must be at most 4096"),
        ("x " * 600, "x " * 249 + "x…"),
    ],
)
def test_what_a_provider_says_is_redacted(text: str, expected: str) -> None:
    assert redact(text, SomeTarget("http://upstream:9/v1")) == expected


def test_an_error_carries_its_default_message() -> None:
    assert str(UpstreamRateLimited()) == "The provider is limiting requests at the moment."


async def test_the_time_to_connect_is_a_setting(settings: Settings) -> None:
    settings.UPSTREAM_CONNECT_TIMEOUT_S = 3.5
    sessions = Sessions()
    assert sessions.get(Policy.PUBLIC).timeout.sock_connect == 3.5
    await sessions.aclose()
