"""OpenAI's responses as they come from an upstream: what is an answer, what it says and used, and when it is whole."""

import json
from typing import Any

import pytest

from gateway.transports.errors import UpstreamBroken, UpstreamServerError
from gateway.transports.formats.responses import RESPONSES, ResponseEvents
from gateway.usage_counts import Usage

_USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 18,
}


def line(**event: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event.get("type")).encode(), json.dumps(event).encode())


def end(status: str = "completed", **response: Any) -> bytes:
    return line(type=f"response.{status}", response={"status": status, "usage": _USAGE, **response})


def test_deltas_of_every_kind_are_text_and_their_repetitions_are_not() -> None:
    events = ResponseEvents()
    item = {"type": "function_call", "name": "f"}
    said = [
        *(line(type="response.output_item.added", item=item), line(type="response.output_item.done", item=item)),
        *(line(type=f"response.{kind}.delta", delta=kind) for kind in ("output_text", "refusal", "reasoning_text")),
        line(type="response.output_text.done", text="output_text"),
        line(type="response.surprise.delta", delta={"x": 1}),
    ]

    chunks = events.feed(b"".join(said))

    texts = [choice.delta.text() for chunk in chunks for choice in chunk.said.choices or () if choice.delta]
    assert texts == ["f", "output_text", "refusal", "reasoning_text"]
    assert not events.is_whole


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_it_is_whole_with_the_event_that_has_the_whole_and_its_usage(status: str) -> None:
    events = ResponseEvents()

    (last,) = events.feed(end(status) + line(type="response.created"))

    assert events.is_whole
    assert Usage.from_openai(last.said.usage) == Usage(uncached=5, cached=4, cache_write=2, output=7)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (line(type="error", message="x"), UpstreamServerError),
        (line(type="response.failed", response={"status": "failed"}), UpstreamServerError),
        (line(error={"message": "x"}), UpstreamServerError),
        (line(type="response.completed", response={"status": "in_progress"}), UpstreamBroken),
        (line(type="response.completed"), UpstreamBroken),
        (line(type="response.completed", response=[]), UpstreamBroken),
        (line(type="a\nb"), UpstreamBroken),
        (line(type=7), UpstreamBroken),
        (line(choices=[]), UpstreamBroken),
        (b"data: [1]\n\n", UpstreamBroken),
        (b'data: {"type": "\xff"}\n\n', UpstreamBroken),
    ],
)
def test_what_is_no_event_breaks_the_stream(event: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        ResponseEvents().feed(event)


def test_half_an_emoji_hinders_nobody() -> None:
    (chunk,) = ResponseEvents().feed(b'data: {"type": "response.output_text.delta", "delta": "\\ud83d"}\n\n')

    assert chunk.said.choices


@pytest.mark.parametrize(
    "body",
    [{}, {"output": []}, {"output": {}, "status": "completed"}, {"output": [], "status": "queued"}],
)
def test_a_plain_answer_is_one_that_is_done(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamBroken):
        RESPONSES.check(body)


def test_all_that_a_plain_answer_says_is_read() -> None:
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "c"}]},
        {"type": "function_call", "name": "d", "arguments": "e"},
        {"type": "custom_tool_call", "name": "f", "input": "g"},
        "h",
    ]
    body = {"status": "completed", "output": output, "usage": _USAGE}

    RESPONSES.check(body)
    text, usage = RESPONSES.read(body)

    assert text == "abcdefg"
    assert Usage.from_openai(usage) == Usage(uncached=5, cached=4, cache_write=2, output=7)
    assert RESPONSES.read({**body, "usage": None})[1] is None
