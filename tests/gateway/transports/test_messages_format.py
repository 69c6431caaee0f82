"""Anthropic's own format over the relay: what is a whole message, what its usage is, what is none."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.transports.base import Call
from gateway.transports.errors import UpstreamBroken, UpstreamCut, UpstreamError, UpstreamServerError
from gateway.transports.formats.messages import MESSAGES, MessageEvents, openai_usage
from gateway.transports.relay import Relay
from gateway.usage_counts import Usage
from tests.gateway.transports.conftest import KEY, Scripted, make_call, read_all

pytestmark = pytest.mark.asyncio

_USAGE = {"input_tokens": 10, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30, "output_tokens": 1}
_START = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": _USAGE}}
_TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
_END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
_STOP = {"type": "message_stop"}


def _call(scripted: Scripted, *, stream: bool) -> Call:
    target = {"provider": "anthropic", "litellm_provider": "anthropic"}
    call = make_call(scripted.api_base.removesuffix("/v1"), stream=stream, target=target)
    return replace(call, format=MESSAGES)


async def _read(scripted: Scripted, *events: dict[str, Any]) -> list[Any]:
    scripted.says_with_types(*events)
    relay = Relay()
    try:
        return [*await read_all(await relay.stream(_call(scripted, stream=True)))]
    finally:
        await relay.aclose()


async def test_usage_is_reported_once_when_it_is_all_there(scripted: Scripted) -> None:
    chunks = await _read(scripted, _START, {"type": "ping"}, _TEXT, _END, _STOP)

    assert [chunk.type for chunk in chunks] == ["message_start", "ping", "content_block_delta", "message_delta"]
    reported = [chunk.said.usage for chunk in chunks]
    assert reported[:3] == [None, None, None]
    assert Usage.from_openai(reported[3]) == Usage(uncached=10, cached=60, cache_write=30, output=5)
    assert [choice.delta.text() for choice in chunks[2].said.choices] == ["Hello"]


async def test_what_the_end_counts_anew_goes_before_the_beginning(scripted: Scripted) -> None:
    ended = {**_END, "usage": {"input_tokens": 12, "cache_read_input_tokens": None, "output_tokens": 7}}

    chunks = await _read(scripted, _START, ended, _STOP)

    assert Usage.from_openai(chunks[-1].said.usage) == Usage(uncached=12, cached=60, cache_write=30, output=7)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((_START, _TEXT), UpstreamCut),
        ((_START, _TEXT, _END), UpstreamCut),
        ((_START, _TEXT, _STOP), UpstreamCut),
        ((_START, {**_END, "delta": {}}, _STOP), UpstreamCut),
        ((_START, {"type": "error", "error": {"type": "overloaded_error"}}), UpstreamServerError),
        ((_START, {"type": "error"}), UpstreamServerError),
        (({"type": "message_start"},), UpstreamBroken),
        (({"type": "odd\ndata: x"},), UpstreamBroken),
        (({"type": 7},), UpstreamBroken),
        (({**_TEXT, "delta": {"text": 7}},), UpstreamBroken),
        (({**_TEXT, "delta": [1]},), UpstreamBroken),
    ],
)
async def test_what_is_no_whole_message_is_none(
    scripted: Scripted, events: tuple[dict[str, Any], ...], expected: type[UpstreamError]
) -> None:
    scripted.frames = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    relay = Relay()
    with pytest.raises(UpstreamError) as raised:
        await read_all(await relay.stream(_call(scripted, stream=True)))
    await relay.aclose()
    assert type(raised.value) is expected


async def test_half_an_emoji_is_text_and_a_text_about_the_end_is_no_end() -> None:
    events = MessageEvents()
    half = b'data: {"type":"content_block_delta","delta":{"text":"\\ud83d"}}\n'
    about = b'data: {"type":"content_block_delta","delta":{"text":"{\\"type\\":\\"message_stop\\"}"}}\n'

    chunks = events.feed(half + about)

    assert len(chunks) == 2
    assert not events.done


async def test_a_key_and_a_version_go_along_and_no_bearer(scripted: Scripted) -> None:
    scripted.replies({"type": "message", "content": [{"type": "text", "text": "x"}], "usage": _USAGE})
    relay = Relay()

    reply = await relay.complete(_call(scripted, stream=False))
    await relay.aclose()

    assert MESSAGES.read(reply.body)[0] == "x"
    (headers,) = scripted.headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in headers


@pytest.mark.parametrize("body", [{"type": "message"}, {"content": []}, {"type": "completion", "content": "x"}])
async def test_a_plain_body_that_is_no_message_is_broken(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamBroken):
        MESSAGES.check(body)


async def test_all_that_a_message_says_is_its_text() -> None:
    use = {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Paris"}}
    thoughts = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    text, usage = MESSAGES.read({"content": [thoughts, {"type": "text", "text": "Hi"}, use, "odd"], "usage": None})
    assert (text, usage) == ('Hm.Hiweather{"city":"Paris"}', None)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [1],
        {},
        {"input_tokens": 1},
        {"output_tokens": 1},
        {"input_tokens": "1", "output_tokens": 1},
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": True, "output_tokens": 1},
        {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": "1"},
    ],
)
async def test_half_a_bill_is_none(usage: Any) -> None:
    assert openai_usage(usage) is None
