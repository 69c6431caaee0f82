"""What is refused of a request for a response, what is bounded, and what is counted of it."""

import json
from typing import Any

import pytest

from gateway.endpoints.responses.request import count_prompt, parse
from gateway.errors import InvalidRequest


def parsed(**fields: Any) -> Any:
    return parse(json.dumps({"input": "Hello", **fields}).encode())


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        parsed(**fields)
    assert refusal.value.status == 400
    return refusal.value


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("input", None),
        ("input", ""),
        ("input", []),
        ("input", ["Hello"]),
        ("input", 7),
        ("model", 7),
        ("stream", "yes"),
        ("store", "no"),
        ("max_output_tokens", 0),
        ("max_output_tokens", "many"),
        ("instructions", ["Be brief."]),
        ("tools", {}),
        ("tools", ["web_search"]),
        ("tool_choice", 7),
        ("text", "json"),
        ("reasoning", "high"),
        ("metadata", []),
        ("stream_options", []),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_name(param: str, value: object) -> None:
    refusal = refused(**{param: value})

    assert (refusal.param, refusal.code) == (param, "invalid_request")


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", {"id": "conv_1"}),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
        ("input.1", {"type": "item_reference", "id": "msg_1"}),
        ("input.1.file_id", {"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}),
        ("input.1.file_id", {"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}),
        ("input.1.file_id", {"type": "function_call_output", "output": [{"type": "input_file", "file_id": "file_1"}]}),
    ],
)
def test_what_a_provider_keeps_is_refused_with_what_to_do(param: str, value: Any) -> None:
    items = [{"role": "user", "content": "Hello"}, value]
    refusal = refused(input=items) if param.startswith("input") else refused(**{param: value})

    assert (refusal.param, refusal.code) == (param, "stored_content")
    assert "Send" in refusal.message or "Leave it out" in refusal.message


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        *(
            ("tools", {"tools": [{"type": "function", "name": "f"}, {"type": kind}]})
            for kind in ("web_search", "file_search", "code_interpreter", "computer", "mcp", "image_generation", None)
        ),
        ("tools", {"tools": [{"type": ["function"], "name": "f"}]}),
        ("tool_choice", {"tool_choice": {"type": "web_search"}}),
        ("service_tier", {"service_tier": "priority"}),
        ("reasoning.mode", {"reasoning": {"mode": "pro"}}),
        ("context_management", {"context_management": [{"type": "compaction"}]}),
        ("moderation", {"moderation": {"model": "m"}}),
        ("cache_control.ttl", {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ("n", {"n": 2}),
        ("max_tokens", {"max_tokens": 5}),
        ("Max_Output_Tokens", {"Max_Output_Tokens": 5}),
        ("messages", {"messages": [{"role": "user", "content": "Hello"}]}),
        ("models", {"models": ["dearer"]}),
        ("input.0", {"input": [{"type": "mcp_call", "id": "x"}]}),
        ("input.0", {"input": [{"type": "additional_tools", "tools": [{"type": "web_search"}]}]}),
        ("input.0", {"input": [{"type": ["message"], "content": "Hello"}]}),
    ],
)
def test_what_has_no_price_is_refused(param: str, fields: dict[str, Any]) -> None:
    refusal = refused(**fields)

    assert (refusal.param, refusal.code) == (param, "unpriced_field")


def test_a_part_of_an_unknown_type_is_refused() -> None:
    assert refused(input=[{"role": "user", "content": [{"type": "input_hologram"}]}]).param == "input.0"


def test_what_is_within_the_price_passes_untouched() -> None:
    fields = {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}],
        "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "custom", "name": "g"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []},
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "previous_response_id": None,
        "background": False,
        "service_tier": "flex",
        "top_k": 3,
        "metadata": {"component": "tests", "team": "blue"},
    }
    ask = parsed(**fields, max_output_tokens=50, stream=True)

    assert ask.body.items() >= {**fields, "metadata": {"team": "blue"}}.items()
    assert (ask.tags, ask.stream, ask.max_tokens, ask.choices) == ({"component": "tests"}, True, 50, 1)


def test_text_is_bounded_by_its_bytes_images_by_the_piece_and_files_by_no_window_at_all() -> None:
    def bound(*parts: dict[str, Any]) -> tuple[int, int]:
        ask = parsed(input=[{"role": "user", "content": [{"type": "input_text", "text": "Hello"}, *parts]}])
        return ask.input_bound, ask.media

    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}

    text, none = bound()
    assert (len(json.dumps({"input": "Hello"})) < text < 200, none) == (True, 0)
    assert bound(image)[0] < text + 200
    assert (bound(image)[1], bound({**image, "detail": "original"})[1]) == (1, 5)
    assert bound(file)[0] > 1_000_000


def test_everything_that_a_model_reads_is_counted() -> None:
    little = count_prompt({"input": "Hello"})
    words = "one two three four five six"
    for fields in (
        {"instructions": words},
        {"input": words},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": words}]}]},
        {"input": [{"type": "function_call", "name": "f", "arguments": words}]},
        {"input": [{"type": "function_call_output", "output": words}]},
        {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": words}]}]},
        {"tools": [{"type": "function", "name": "f", "description": words}]},
    ):
        assert count_prompt({"input": "Hello", **fields}) >= little + 5, fields
