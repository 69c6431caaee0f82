"""The meter: what an answer has come to, whatever its chunks look like."""

import json
import tracemalloc
from typing import Any

import pytest

from gateway.counting import count_tokens
from gateway.meter import Meter
from gateway.transports.chunk import Chunk, received, translated
from gateway.transports.errors import UpstreamOverlong
from gateway.transports.formats.chat import CHAT
from gateway.usage_counts import Usage


def _chunk(delta: Any, **more: Any) -> Chunk:
    return received(json.dumps({"id": "c1", "created": 7, "choices": [{"index": 0, "delta": delta}], **more}).encode())


def test_text_is_counted_however_it_is_cut_into_chunks() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    meter = Meter(1000)
    for at in range(0, len(text), 3):
        meter.chunk(_chunk({"content": text[at : at + 3]}))

    assert meter.delivered_tokens() == count_tokens(text)


def test_long_text_is_counted_on_the_way_and_not_kept() -> None:
    meter = Meter(100_000)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(400):
        meter.chunk(_chunk({"content": " word" * 1000}))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept - before < 100_000
    assert meter.delivered_tokens() == 400_000


def test_looking_between_chunks_does_not_count_twice() -> None:
    meter = Meter(1000)
    for _ in range(10):
        meter.chunk(_chunk({"content": " hello"}))
        meter.delivered_tokens()

    assert meter.delivered_tokens() == meter.delivered_tokens() == 10


def test_reasoning_refusals_and_tool_calls_are_output_too() -> None:
    call = {"function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    for delta in ({"reasoning_content": "Hmm"}, {"reasoning": "Hmm"}, {"refusal": "No"}, {"tool_calls": [call]}):
        meter = Meter(1000)
        meter.chunk(_chunk(delta))
        assert meter.has_output
        assert meter.delivered_tokens() > 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": {}},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"delta": {"content": 7, "tool_calls": "x"}}]},
        {"choices": [{"delta": {"tool_calls": [None, {"function": None}]}}]},
        {"choices": [{"delta": {"content": [None, {"text": 7}]}}]},
        {"usage": "many"},
        {"usage": []},
    ],
)
def test_odd_chunks_count_as_nothing(body: dict[str, Any]) -> None:
    meter = Meter(1000)
    meter.chunk(translated(body))
    meter.chunk(received(json.dumps(body).encode()))
    meter.reply(*CHAT.read(body))

    assert not meter.has_output or meter.delivered_tokens() == 0
    assert meter.usage is None


def test_the_last_usage_reported_counts() -> None:
    meter = Meter(1000)
    meter.chunk(_chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 1}))
    meter.chunk(_chunk({"content": "b"}, usage={"prompt_tokens": 3, "completion_tokens": 2}))

    assert meter.usage == Usage(3, 0, 0, 2)
    assert meter.reported == {"prompt_tokens": 3, "completion_tokens": 2}


def test_a_wrong_usage_leaves_the_former_one() -> None:
    meter = Meter(1000)
    meter.chunk(_chunk({}, usage={"prompt_tokens": 3, "completion_tokens": 1}))
    meter.chunk(_chunk({}, usage={"prompt_tokens": 3, "completion_tokens": 10**15}))

    assert meter.usage == Usage(3, 0, 0, 1)


def test_an_endless_answer_is_cut_off() -> None:
    meter = Meter(10)

    with pytest.raises(UpstreamOverlong):
        for _ in range(10_000):
            meter.chunk(_chunk({"content": "a"}))


def test_an_answer_of_endless_words_is_cut_off() -> None:
    meter = Meter(10)

    with pytest.raises(UpstreamOverlong):
        for _ in range(100):
            meter.chunk(_chunk({"content": "a" * 10_000}))


def test_a_plain_answers_choices_are_all_counted() -> None:
    meter = Meter(1000)
    body = {
        "choices": [{"message": {"content": "one two"}}, {"message": {"content": " three"}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
    meter.reply(*CHAT.read(body))

    assert meter.usage == Usage(5, 0, 0, 3)
    assert meter.delivered_tokens() == 3
