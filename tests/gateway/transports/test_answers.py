"""What both transports hand on of an answer that is as it should be."""

import pytest

from gateway.transports.base import Transport
from gateway.usage_counts import Usage
from tests.gateway.transports.conftest import (
    KEY,
    Scripted,
    Upstream,
    chunk,
    make_call,
    read_all,
    text_of,
    usage_of,
)

pytestmark = pytest.mark.asyncio


async def test_a_plain_answer_arrives_with_its_text_and_usage(transport: Transport, upstream: Upstream) -> None:
    reply = await transport.complete(make_call(upstream.api_base, "fault:chunks:7+usage:11:7"))
    choice = reply.body["choices"][0]
    assert choice["message"]["content"] == " ".join(f"word{i}" for i in range(7))
    assert choice["finish_reason"] == "stop"
    assert Usage.from_openai(reply.body["usage"]) == Usage(uncached=11, cached=0, cache_write=0, output=7)


async def test_a_stream_arrives_whole_with_its_finish_and_usage(transport: Transport, upstream: Upstream) -> None:
    chunks = await read_all(
        await transport.stream(make_call(upstream.api_base, "fault:chunks:100+usage:11:100", stream=True))
    )
    assert text_of(chunks).split() == [f"word{i}" for i in range(100)]
    assert [c["finish_reason"] for x in chunks for c in x.body["choices"] if c["finish_reason"]] == ["stop"]
    assert Usage.from_openai(usage_of(chunks)) == Usage(11, 0, 0, 100)


@pytest.mark.parametrize("form", ["crlf", "comments", "fragmented", "crlf+comments+fragmented"])
async def test_a_stream_is_the_same_in_every_legal_form(transport: Transport, upstream: Upstream, form: str) -> None:
    call = make_call(upstream.api_base, f"fault:chunks:5+{form}", stream=True)
    assert text_of(await read_all(await transport.stream(call))).split() == [f"word{i}" for i in range(5)]


async def test_a_plain_tool_call_arrives(transport: Transport, upstream: Upstream) -> None:
    reply = await transport.complete(make_call(upstream.api_base, "fault:tool-calls", tools=_TOOLS))
    choice = reply.body["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (tool_call,) = choice["message"]["tool_calls"]
    assert tool_call["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


async def test_a_streamed_tool_call_arrives(transport: Transport, upstream: Upstream) -> None:
    call = make_call(upstream.api_base, "fault:tool-calls", stream=True, tools=_TOOLS)
    chunks = await read_all(await transport.stream(call))
    deltas = [c["delta"] for x in chunks for c in x.body["choices"]]
    functions = [tool["function"] for delta in deltas for tool in delta.get("tool_calls") or ()]
    assert functions[0]["name"] == "get_weather"
    assert "".join(function.get("arguments") or "" for function in functions) == '{"city": "Paris"}'


async def test_two_choices_keep_their_own_text_and_finish(transport: Transport, scripted: Scripted) -> None:
    scripted.says(
        chunk("a0", index=0),
        chunk("b0", index=1),
        chunk(finish="stop", index=1),
        chunk("a1", index=0),
        chunk(finish="length", index=0),
    )
    chunks = await read_all(await transport.stream(make_call(scripted.api_base, stream=True, n=2)))
    assert (text_of(chunks, 0), text_of(chunks, 1)) == ("a0a1", "b0")
    finishes = [(c["index"], c["finish_reason"]) for x in chunks for c in x.body["choices"] if c["finish_reason"]]
    assert finishes == [(1, "stop"), (0, "length")]


async def test_fields_that_nobody_knows_reach_the_upstream(transport: Transport, upstream: Upstream) -> None:
    call = make_call(upstream.api_base, top_k=3, vendor={"deep": [1, 2]}, metadata={"a": "b"}, temperature=0.5)
    await transport.complete(call)
    body = upstream.server.calls[0].body
    assert (body["top_k"], body["vendor"], body["metadata"], body["temperature"]) == (
        3,
        {"deep": [1, 2]},
        {"a": "b"},
        0.5,
    )
    assert body["model"] == "test-model"


async def test_controls_in_a_callers_body_stay_data(transport: Transport, upstream: Upstream) -> None:
    controls = {
        "api_base": "http://127.0.0.1:9/v1",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": "sk-other",
        "custom_llm_provider": "anthropic",
        "mock_response": "mocked",
        "fallbacks": ["x"],
        "num_retries": 3,
        "extra_headers": {"X-Evil": "1"},
    }
    call = make_call(upstream.api_base)
    call.body.update(controls)
    reply = await transport.complete(call)
    assert reply.body["choices"][0]["message"]["content"] != "mocked"
    (arrived,) = upstream.server.calls
    assert arrived.headers["authorization"] == f"Bearer {KEY}"
    assert "x-evil" not in arrived.headers
    assert controls.items() <= arrived.body.items()


async def test_cached_tokens_are_counted_apart(transport: Transport, upstream: Upstream) -> None:
    for stream in (False, True):
        call = make_call(upstream.api_base, "fault:usage:100:7+cached:60", stream=stream)
        if stream:
            usage = usage_of(await read_all(await transport.stream(call)))
        else:
            usage = (await transport.complete(call)).body["usage"]
        assert Usage.from_openai(usage) == Usage(uncached=40, cached=60, cache_write=0, output=7)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("fault", ["no-usage", *(f"wrong-usage:{k}" for k in ("negative", "strings", "empty", "list"))])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_usage_that_was_not_reported_is_not_made_up(
    transport: Transport, upstream: Upstream, fault: str, stream: bool
) -> None:
    call = make_call(upstream.api_base, f"fault:{fault}", stream=stream)
    if stream:
        chunks = await read_all(await transport.stream(call))
        assert text_of(chunks)
        usage = usage_of(chunks)
    else:
        reply = await transport.complete(call)
        assert reply.body["choices"][0]["message"]["content"]
        usage = reply.body.get("usage")
    assert Usage.from_openai(usage) is None


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_a_connection_is_used_again(transport: Transport, scripted: Scripted, stream: bool) -> None:
    for _ in range(5):
        if stream:
            scripted.says(chunk("hello"), chunk(finish="stop"))
            await read_all(await transport.stream(make_call(scripted.api_base, stream=True)))
        else:
            scripted.replies(_REPLY)
            await transport.complete(make_call(scripted.api_base))
    assert len(scripted.requests) == 5
    assert len(scripted.connections) <= 2


_TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    }
]
_REPLY = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
