"""What a step said: a text, or of a step with JSON output an object."""

from typing import Any

import pytest

from gateway.errors import UpstreamFailed
from gateway.transports.base import Reply
from gateway.workflows.definition import Step
from gateway.workflows.outputs import finish_of, read
from gateway.workflows.prompts import prompt_of


def _step(*, is_json: bool) -> Step:
    return Step("facts", None, prompt_of(""), prompt_of("{{ input }}"), None, None, is_json)


def _reply(content: Any, **choice: Any) -> Reply:
    return Reply({"choices": [{"message": {"role": "assistant", "content": content}, **choice}]}, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('\n```\n{"a": 1}```\n', {"a": 1}),
    ],
)
def test_an_object_is_read_also_out_of_a_block_of_markdown(text: str, said: Any) -> None:
    assert read(_step(is_json=True), _reply(text)) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        '```json\n{"a": 1}',
        '{"a": 1}\n```',
        "Sure!",
        "[1]",
        '"a"',
        "{",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a":' * 200 + "1" + "}" * 200,
        "\ud83d",
    ],
)
def test_anything_else_is_the_models_fault(text: str) -> None:
    with pytest.raises(UpstreamFailed) as raised:
        read(_step(is_json=True), _reply(text))

    assert raised.value.code == "step_output_invalid"
    assert "`facts`" in raised.value.message


@pytest.mark.parametrize(("content", "said"), [("Hi", "Hi"), (None, ""), ([{"type": "text"}], "")])
def test_a_text_is_what_it_is_and_none_is_empty(content: Any, said: str) -> None:
    assert read(_step(is_json=False), _reply(content)) == said


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": {"a": 1}}, {"choices": ["x"]}, {"choices": [{"message": "x"}]}]
)
def test_an_answer_without_a_message_is_empty(body: Any) -> None:
    assert (read(_step(is_json=False), Reply(body, None)), finish_of(Reply(body, None))) == ("", None)


def test_why_it_ended_is_passed_on() -> None:
    assert finish_of(_reply("Hi", finish_reason="length")) == "length"
    assert finish_of(_reply("Hi", finish_reason=5)) is None
