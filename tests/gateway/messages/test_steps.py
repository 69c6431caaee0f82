"""A chat's chunks as Anthropic's blocks, and its answer as a message's."""

from typing import Any

import pytest

from gateway.endpoints.messages.from_chat import content_of, stop_of
from gateway.endpoints.messages.steps import Steps


def _steps(*deltas: dict[str, Any], finish: dict[str, Any] | None = None) -> tuple[list[Any], dict[str, Any]]:
    steps = Steps(ids="toolu_x", stops=["END"])
    said = [step for delta in deltas for step in steps.of({"choices": [{"index": 0, "delta": delta}]})]
    said += steps.of({"choices": [{"index": 0, "delta": {}, **(finish or {"finish_reason": "stop"})}]})
    return [*said, *steps.last()], steps.stop()


def _shape(steps: list[Any]) -> list[str]:
    return [f"{step['type'].removeprefix('content_block_')} {step['index']}" for step in steps]


def _call(**fields: Any) -> dict[str, Any]:
    return {"tool_calls": [fields]}


def test_thoughts_text_and_tools_follow_one_another() -> None:
    steps, stop = _steps(
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm"},
        {"reasoning": "m."},
        {"content": "Let me "},
        {"content": "look."},
        _call(index=0, id="a", function={"name": "weather", "arguments": ""}),
        _call(index=0, function={"arguments": "{}"}),
        _call(index=1, id="b", function={"name": "time", "arguments": "{}"}),
    )
    kinds = ["start 0", "delta 0", "delta 0", "stop 0", "start 1", "delta 1", "delta 1", "stop 1"]
    assert _shape(steps) == [*kinds, "start 2", "delta 2", "stop 2", "start 3", "delta 3", "stop 3"]
    assert [step["content_block"]["type"] for step in steps if "content_block" in step] == [
        *("thinking", "text", "tool_use", "tool_use")
    ]
    assert steps[8]["content_block"] == {"type": "tool_use", "id": "a", "name": "weather", "input": {}}
    assert stop == {"stop_reason": "tool_use", "stop_sequence": None}


def test_more_of_an_earlier_tools_arguments_goes_to_its_block() -> None:
    steps, _ = _steps(
        _call(index=0, id="a", function={"name": "x", "arguments": "{"}),
        _call(index=1, id="b", function={"name": "y", "arguments": "{}"}),
        _call(index=0, function={"arguments": "}"}),
    )
    parts = [(step["index"], step["delta"]["partial_json"]) for step in steps if "delta" in step]
    assert parts == [(0, "{"), (1, "{}"), (0, "}")]


def test_tools_without_numbers_and_ids_are_told_apart() -> None:
    steps, _ = _steps(
        _call(id="a", function={"name": "x", "arguments": "{}"}),
        _call(id="b", function={"name": "y", "arguments": "{}"}),
    )
    assert [step["content_block"]["id"] for step in steps if "content_block" in step] == ["a", "b"]
    (block,) = content_of({"tool_calls": [{"function": {"name": "x", "arguments": "{}"}}]}, ids="toolu_x")
    assert block["id"] == "toolu_x_0"


def test_other_choices_than_the_first_are_passed_over() -> None:
    steps = Steps(ids="toolu_x", stops=[])
    assert list(steps.of({"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": "length"}]})) == []
    assert list(steps.of({"choices": None})) == []
    assert steps.stop()["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"finish_reason": "stop"}, "end_turn"),
        ({"finish_reason": "length"}, "max_tokens"),
        ({"finish_reason": "tool_calls"}, "tool_use"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({"finish_reason": "stop", "stop_reason": "END"}, "stop_sequence"),
        ({"finish_reason": "stop", "stop_reason": "other"}, "end_turn"),
        ({"finish_reason": "stop", "stop_reason": 7}, "end_turn"),
        ({}, "end_turn"),
    ],
)
def test_why_it_ended_is_said_in_anthropics_words(choice: dict[str, Any], reason: str) -> None:
    stop = stop_of(choice, stops=["END"], used_tool=False)
    assert stop == {"stop_reason": reason, "stop_sequence": "END" if reason == "stop_sequence" else None}


def test_servers_that_end_a_tools_use_with_stop_mean_the_tool() -> None:
    assert stop_of({"finish_reason": "stop"}, stops=[], used_tool=True)["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ("not json", {"arguments": "not json"}),
        ("[1]", {"arguments": [1]}),
    ],
)
def test_what_a_tool_is_given_is_an_object_in_any_case(arguments: str, given: dict[str, Any]) -> None:
    calls = [{"id": "a", "function": {"name": "x", "arguments": arguments}}]
    (block,) = content_of({"content": None, "tool_calls": calls}, ids="i")
    assert block["input"] == given


def test_text_in_parts_and_refusals_are_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert content_of({"content": parts}, ids="i") == [{"type": "text", "text": "Hello"}]
    assert content_of({"content": None, "refusal": "No."}, ids="i") == [{"type": "text", "text": "No."}]
    assert content_of({"content": ""}, ids="i") == []
