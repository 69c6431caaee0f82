"""A request for a response, as those are asked who have chat alone."""

from typing import Any

import pytest

from gateway.endpoints.responses.to_chat import to_chat
from gateway.errors import InvalidRequest

_USER = {"role": "user", "content": "Hello"}


def chat(**fields: Any) -> dict[str, Any]:
    return to_chat({"input": "Hello", **fields})


def call(number: int) -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "f", "arguments": "{}"}


def test_a_text_is_a_message_and_instructions_go_before_it() -> None:
    assert chat(instructions="Be brief.", temperature=0.5, top_k=3, store=False, prompt_cache_key="x") == {
        "messages": [{"role": "system", "content": "Be brief."}, _USER],
        "temperature": 0.5,
        "top_k": 3,
    }


def test_items_are_messages_and_calls_belong_to_what_was_said_before() -> None:
    result = {"type": "function_call_output", "call_id": "c1", "output": "Rain."}
    parts = [{"type": "input_text", "text": "Snow."}]
    items = [
        {"role": "developer", "content": "Be brief."},
        _USER,
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        call(1),
        call(2),
        result,
        {**result, "call_id": "c2", "output": parts},
    ]

    assert chat(input=items)["messages"] == [
        {"role": "system", "content": "Be brief."},
        _USER,
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                for number in (1, 2)
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
        {"role": "tool", "tool_call_id": "c2", "content": "Snow."},
    ]


def test_images_files_and_sounds_are_parts_of_a_message() -> None:
    parts = [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": "https://pictures.example/1.png", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]

    (message,) = chat(input=[{"role": "user", "content": parts}])["messages"]

    assert message["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/1.png", "detail": "low"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]


def test_tools_choices_and_formats_have_their_words_in_a_chat() -> None:
    schema = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}
    tools = [{"type": "function", "name": name, "parameters": {"type": "object"}, "strict": True} for name in "fg"]

    asked = chat(
        tools=tools,
        tool_choice={"type": "function", "name": "f"},
        text={"format": schema, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto"},
    )

    function = {"name": "f", "parameters": {"type": "object"}, "strict": True}
    assert asked["tools"][0] == {"type": "function", "function": function}
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert asked["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }
    assert (asked["reasoning_effort"], asked["verbosity"]) == ("high", "low")
    allowed = chat(
        tools=tools,
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
    )
    assert [tool["function"]["name"] for tool in allowed["tools"]] == ["g"]
    assert allowed["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("tools.0", {"tools": [{"type": "custom", "name": "g"}]}),
        ("top_logprobs", {"top_logprobs": 2}),
        ("top_logprobs", {"include": ["message.output_text.logprobs"]}),
        ("text.format", {"text": {"format": {"type": "grammar"}}}),
        ("text.format", {"text": {"format": "json_schema"}}),
        ("input.0", {"input": [{"type": "custom_tool_call", "call_id": "c1", "name": "g", "input": "x"}]}),
        (
            "input.0.content",
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://files.example/1"}]}]},
        ),
        (
            "input.0.output",
            {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": "x"}]}]},
        ),
    ],
)
def test_what_a_chat_has_no_words_for_is_refused_and_not_left_out(param: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        chat(**fields)

    assert (refusal.value.code, refusal.value.param) == ("not_supported_by_model", param)


def test_a_choice_between_no_tools_is_none() -> None:
    tools = [{"type": "function", "name": "f"}]

    wrong: tuple[object, ...] = (True, "f", None, [])
    for allowed in wrong:
        assert "tool_choice" not in chat(tools=tools, tool_choice={"type": "allowed_tools", "tools": allowed})


@pytest.mark.parametrize(
    "item", [{"role": "nurse", "content": "x"}, {"role": ["user"], "content": "x"}, {"role": "user"}]
)
def test_a_message_without_a_role_or_content_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        chat(input=[item])

    assert str(refusal.value.param).startswith("input.0.")
