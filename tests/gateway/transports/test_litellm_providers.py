"""Translation: what comes from a provider with a format of its own is OpenAI's when it leaves the transport."""

from typing import Any

import pytest

from gateway.transports.errors import UpstreamBadRequest, UpstreamBroken, UpstreamCut, UpstreamServerError
from gateway.transports.litellm import LiteLLM
from gateway.usage_counts import Usage
from tests.gateway.transports.conftest import Scripted, make_call, read_all, text_of, usage_of

pytestmark = pytest.mark.asyncio

ANTHROPIC = {"litellm_provider": "anthropic"}
USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 30,
    "output_tokens": 5,
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "hello there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}


def events(*, stop: bool = True) -> list[dict[str, Any]]:
    started = {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    text = {"type": "text_delta"}
    said: list[dict[str, Any]] = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {**text, "text": "hello"}},
        {"type": "content_block_delta", "index": 0, "delta": {**text, "text": " there"}},
        {"type": "content_block_stop", "index": 0},
    ]
    ending: list[dict[str, Any]] = [
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return said + ending if stop else said


def base(scripted: Scripted) -> str:
    return scripted.api_base.removesuffix("/v1")


async def test_a_plain_answer_of_anthropics_is_translated(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.replies(MESSAGE)
    reply = await litellm_transport.complete(make_call(base(scripted), target=ANTHROPIC, max_tokens=9))
    choice = reply.body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("hello there", "stop")
    assert Usage.from_openai(reply.body["usage"]) == Usage(uncached=10, cached=60, cache_write=30, output=5)
    assert scripted.requests[0]["max_tokens"] == 9


async def test_a_stream_of_anthropics_is_translated(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.says_with_types(*events())
    stream = await litellm_transport.stream(make_call(base(scripted), target=ANTHROPIC, stream=True, max_tokens=9))
    chunks = await read_all(stream)
    assert text_of(chunks) == "hello there"
    assert [c["finish_reason"] for x in chunks for c in x.body["choices"] if c["finish_reason"]] == ["stop"]
    with_usage = [chunk.body for chunk in chunks if chunk.body.get("usage")]
    assert [body["choices"] for body in with_usage] == [[]]
    assert Usage.from_openai(usage_of(chunks)) == Usage(uncached=10, cached=60, cache_write=30, output=5)


async def test_usage_is_seen_even_where_the_bytes_are_cut_within_its_name(
    litellm_transport: LiteLLM, scripted: Scripted
) -> None:
    for size in (3, 7, 11):
        scripted.replies(MESSAGE)
        whole = scripted.frames[0]
        scripted.frames = [whole[start : start + size] for start in range(0, len(whole), size)]
        reply = await litellm_transport.complete(make_call(base(scripted), target=ANTHROPIC, max_tokens=9))
        assert Usage.from_openai(reply.body["usage"]) == Usage(10, 60, 30, 5)


async def test_a_stream_of_anthropics_without_its_end_is_cut(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.says_with_types(*events(stop=False))
    with pytest.raises(UpstreamCut):
        await read_all(await litellm_transport.stream(make_call(base(scripted), target=ANTHROPIC, stream=True)))


async def test_an_error_event_of_anthropics_is_an_error(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    scripted.says_with_types(*events(stop=False), error)
    with pytest.raises(UpstreamServerError):
        await read_all(await litellm_transport.stream(make_call(base(scripted), target=ANTHROPIC, stream=True)))


async def test_an_answer_that_litellm_cannot_translate_is_broken(
    litellm_transport: LiteLLM, scripted: Scripted
) -> None:
    scripted.replies({name: value for name, value in MESSAGE.items() if name != "usage"})
    with pytest.raises(UpstreamBroken):
        await litellm_transport.complete(make_call(base(scripted), target=ANTHROPIC))


async def test_a_parameter_that_the_provider_lacks_is_refused_and_not_dropped(
    litellm_transport: LiteLLM, scripted: Scripted
) -> None:
    with pytest.raises(UpstreamBadRequest, match="does not support a parameter"):
        await litellm_transport.complete(make_call(base(scripted), target=ANTHROPIC, frequency_penalty=0.5))
    assert scripted.requests == []
