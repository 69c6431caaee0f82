"""What is refused of a request for a message, what is bounded, and how it is said as a chat."""

import json
from typing import Any

import pytest

from gateway.endpoints.messages.request import count_prompt, parse
from gateway.endpoints.messages.to_chat import to_chat
from gateway.errors import InvalidRequest

_MESSAGES = [{"role": "user", "content": "Hello"}]
_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 1000}}
_PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}}
_HOUR = {"type": "ephemeral", "ttl": "1h"}
_BASH = {"type": "bash_20250124", "name": "bash"}


def _body(**fields: Any) -> dict[str, Any]:
    return {"max_tokens": 10, "messages": _MESSAGES, **fields}


def _raw(**fields: Any) -> bytes:
    return json.dumps(_body(**fields)).encode()


def _refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        parse(_raw(**fields))
    return refusal.value


def _said(*blocks: Any, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": list(blocks)}]


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("max_tokens", None),
        ("max_tokens", 0),
        ("max_tokens", "many"),
        ("messages", []),
        ("messages", "Hello"),
        ("messages.0.role", [{"role": "tool", "content": "x"}]),
        ("messages.0.content", [{"role": "user"}]),
        ("messages.0.content", [{"role": "user", "content": ["Hello"]}]),
        ("system", 7),
        ("system", ["Be brief."]),
        ("tools", {"name": "x"}),
        ("tools", ["x"]),
        ("stop_sequences", "END"),
        ("stop_sequences", [1]),
        ("thinking", "yes"),
        ("tool_choice", "auto"),
        ("metadata", []),
        ("stream", 1),
        ("model", 7),
    ],
)
def test_a_refusal_names_its_parameter(param: str, value: object) -> None:
    assert _refused(**{param.split(".", maxsplit=1)[0]: value}).param == param


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("container", {"container": "c1"}),
        ("mcp_servers", {"mcp_servers": [{"url": "https://example.org"}]}),
        ("service_tier", {"service_tier": "priority"}),
        ("speed", {"speed": "fast"}),
        ("inference_geo", {"inference_geo": "us"}),
        ("context_management", {"context_management": {"edits": []}}),
        ("user_profile_id", {"user_profile_id": "u"}),
        ("n", {"n": 5}),
        ("max_completion_tokens", {"max_completion_tokens": 9}),
        ("tools", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ("tools", {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}),
        ("tools", {"tools": [{"type": "mcp_toolset", "mcp_server_name": "x"}]}),
        ("cache_control.ttl", {"cache_control": _HOUR}),
        ("cache_control.ttl", {"system": [_text("x", cache_control=_HOUR)]}),
        ("cache_control.ttl", {"tools": [{"name": "x", "input_schema": {}, "cache_control": _HOUR}]}),
        ("cache_control.ttl", {"messages": _said(_text("x", cache_control=_HOUR))}),
        (
            "cache_control.ttl",
            {
                "messages": _said(
                    {"type": "tool_result", "tool_use_id": "1", "content": [_text("x", cache_control=_HOUR)]}
                )
            },
        ),
    ],
)
def test_what_no_hold_covers_is_refused(param: str, fields: dict[str, Any]) -> None:
    refusal = _refused(**fields)
    assert (refusal.code, refusal.param) == ("unpriced_field", param)


def test_what_has_a_price_passes() -> None:
    five_minutes = {"type": "ephemeral", "ttl": "5m"}
    ask = parse(_raw(service_tier="auto", cache_control=five_minutes, tools=[_BASH, {"name": "x", "type": None}]))
    assert (ask.max_tokens, ask.choices, ask.model, ask.stream) == (10, 1, None, False)


def test_the_bound_has_all_text_and_allows_for_what_is_added_to_it() -> None:
    plain = parse(_raw(messages=_said(_text("x" * 5000)))).input_bound
    assert plain >= 5000
    assert parse(_raw(tools=[{"name": "x"}])).input_bound >= parse(_raw()).input_bound + 1000
    assert parse(_raw(tools=[_BASH])).input_bound >= parse(_raw(tools=[{"name": "x"}])).input_bound + 1000


def test_images_are_billed_by_the_piece_and_files_as_the_most_they_can_be() -> None:
    result = {"type": "tool_result", "tool_use_id": "1", "content": [_IMAGE]}
    ask = parse(_raw(messages=_said(_IMAGE, result)))
    assert ask.media == 2
    assert ask.input_bound < 1000
    file = parse(_raw(messages=_said(_PDF)))
    assert file.input_bound > 1_000_000
    spelled_out = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    assert parse(_raw(messages=_said(spelled_out))).input_bound < 1000


def test_everything_that_is_text_is_counted() -> None:
    words = " ".join(f"word{number}" for number in range(100))
    bare = count_prompt(_body())
    for fields in (
        {"system": words},
        {"system": [_text(words)]},
        {"messages": _said(_text(words))},
        {"messages": _said({"type": "tool_result", "tool_use_id": "1", "content": words})},
        {"messages": _said({"type": "tool_use", "id": "1", "name": "x", "input": {"q": words}}, role="assistant")},
        {"tools": [{"name": "x", "description": words}]},
    ):
        assert count_prompt(_body(**fields)) > bare + 90, fields


def test_a_conversation_with_tools_is_said_as_a_chat() -> None:
    chat = to_chat(
        _body(
            system=[_text("Be brief."), _text("Be kind.")],
            messages=[
                {"role": "user", "content": [_text("Look"), _IMAGE]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                        _text("I'll ask."),
                        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Paris"}},
                        {"type": "tool_use", "id": "t2", "name": "time", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": [_text("Rain")]},
                        {"type": "tool_result", "tool_use_id": "t2", "content": "no clock", "is_error": True},
                        _text("And?"),
                        _text("Well?"),
                    ],
                },
            ],
        )
    )
    assert chat["messages"] == [
        {"role": "system", "content": "Be brief.\nBe kind."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_IMAGE['source']['data']}"}},  # type: ignore[index]
            ],
        },
        {
            "role": "assistant",
            "content": "I'll ask.",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}},
                {"id": "t2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "Rain"},
        {"role": "tool", "tool_call_id": "t2", "content": "Error: no clock"},
        {"role": "user", "content": "And?\nWell?"},
    ]
    assert set(chat) == {"messages"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            {"tool_choice": "required", "parallel_tool_calls": False},
        ),
        (
            {"tool_choice": {"type": "tool", "name": "x"}},
            {"tool_choice": {"type": "function", "function": {"name": "x"}}},
        ),
        (
            {"tools": [{"name": "x", "description": "d", "input_schema": {"type": "object"}, "cache_control": {}}]},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "x", "description": "d", "parameters": {"type": "object"}},
                    }
                ]
            },
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 20000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": "high"}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
        ({"metadata": {"user_id": "u1"}}, {"user": "u1"}),
        ({"temperature": 0.5, "top_p": 0.9, "seed": 7}, {"temperature": 0.5, "top_p": 0.9, "seed": 7}),
        ({"cache_control": {"type": "ephemeral"}, "service_tier": "auto", "diagnostics": {}}, {}),
    ],
)
def test_an_option_is_said_as_a_chat_has_it(fields: dict[str, Any], said: dict[str, Any]) -> None:
    chat = to_chat(_body(**fields))
    del chat["messages"]
    assert chat == said


def test_a_block_alone_is_as_good_as_a_list_of_it() -> None:
    result = {"type": "tool_result", "tool_use_id": "1", "content": _text("Rain.")}

    assert to_chat(_body(messages=_said(result)))["messages"] == [
        {"role": "tool", "tool_call_id": "1", "content": "Rain."}
    ]


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("messages.0.content.0", {"messages": _said(_PDF)}),
        ("messages.0.content.1", {"messages": _said(_text("x"), {"type": "search_result"})}),
        ("messages.0.content.0", {"messages": _said({"type": "image", "source": {"type": "file", "file_id": "f"}})}),
        (
            "messages.0.content.0.content",
            {"messages": _said({"type": "tool_result", "tool_use_id": "1", "content": [_IMAGE]})},
        ),
        ("messages.0.content.0", {"messages": _said({"type": "server_tool_use"}, role="assistant")}),
        ("system", {"system": [_IMAGE]}),
        ("tools.0", {"tools": [_BASH]}),
        ("tool_choice", {"tool_choice": {"type": "odd"}}),
        ("output_config.format", {"output_config": {"format": {"type": "grammar"}}}),
        ("thinking.budget_tokens", {"thinking": {"type": "enabled"}}),
        ("thinking.budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": -1}}),
    ],
)
def test_what_a_chat_has_no_words_for_is_refused_by_its_place(param: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        to_chat(_body(**fields))
    assert (refusal.value.code, refusal.value.param) == ("not_supported_by_model", param)
