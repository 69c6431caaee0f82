"""What the models are asked: the conversation as it came, with steps and instructions where every model takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from gateway.modes import prompts
from gateway.modes.prompts import READY
from gateway.modes.steps import Step
from tests.gateway.modes.conftest import Ask
from tests.upstream import Upstream

pytestmark = pytest.mark.once

_USER = {"role": "user", "content": "Why?"}


@pytest.mark.django_db(transaction=True)
def test_steps_think_about_tools_and_media_and_the_answer_alone_has_the_callers_form(
    ask: Ask, upstream: Upstream, settings: Settings
) -> None:
    settings.REASONING_STEPS, settings.REASONING_STEP_TOKENS = 2, 300
    upstream.behave("test-model", "says:One.", "says:Two.", "says:The answer.")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [
        {"role": "system", "content": "You are curt."},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}, image]},
    ]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    form = {"response_format": {"type": "json_object"}, "stop": ["###"], "tool_choice": "required", "seed": 7}

    answer = ask(messages=messages, tools=[tool], max_tokens=700, **form)

    assert answer.status_code == 200, answer.text
    first, second, last = (call.body for call in upstream.calls)
    assert (first["max_tokens"], second["max_tokens"], last["max_tokens"]) == (300, 300, 700)
    assert not {"response_format", "stop"} & {*first, *second}
    assert (first["tools"], first["tool_choice"], first["seed"]) == ([tool], "none", 7)
    assert {name: last[name] for name in form} == form
    system = first["messages"][0]["content"]
    assert system.startswith("You are curt.\n\n")
    for body in (first, second, last):
        assert body["messages"][0] == {"role": "system", "content": system}
        assert body["messages"][1] == messages[1]
    assert len(first["messages"]) == 2
    assert [message["content"] for message in second["messages"][2:]] == ["Step 1: One.", "Go on with the next step."]
    assert [message["content"] for message in last["messages"][2:]] == ["Step 1: One.\n\nStep 2: Two.", "Now answer."]


@pytest.mark.parametrize(
    ("first", "role"), [(None, "system"), ({"role": "developer", "content": "Be curt."}, "developer")]
)
def test_instructions_are_in_the_one_system_message(first: dict[str, str] | None, role: str) -> None:
    made = prompts.for_step([*([first] if first else []), _USER], [])

    assert [message["role"] for message in made] == [role, "user"]
    assert made[0]["content"].startswith("Be curt." if first else "You work")


def test_a_system_message_in_parts_gets_another_part() -> None:
    parts = [{"type": "text", "text": "Be curt."}]

    made = prompts.for_step([{"role": "system", "content": parts}, _USER], [])

    assert made[0]["content"][:1] == parts
    assert len(made[0]["content"]) == 2
    assert len(parts) == 1


def test_without_steps_the_answer_is_asked_for_as_it_came() -> None:
    assert prompts.for_answer([_USER], []) == [_USER]


@given(steps=st.lists(st.text(), min_size=1, max_size=4))
def test_what_is_said_around_a_conversation_is_no_more_than_is_held_for_it(steps: list[str]) -> None:
    made = prompts.for_answer([_USER], steps)

    around = sum(len(str(message["content"]).encode()) for message in made if message != _USER)
    assert around + 16 * (len(made) - 1) <= prompts.size_of(steps)


@given(
    text=st.text(), cuts=st.lists(st.integers(0, 60), max_size=8), ends=st.sampled_from(["", "\n", ".", "**", " \n"])
)
def test_a_mark_at_the_end_is_never_shown_however_it_comes(text: str, cuts: list[int], ends: str) -> None:
    told = f"{text.replace(']', '')}\n{READY.upper()}{ends if ends != '.' else ''}"
    step, shown, rest = Step(), "", told

    for cut in cuts:
        shown += step.take(rest[:cut])
        rest = rest[cut:]
    shown += step.take(rest) + step.rest()

    assert step.is_last
    assert READY not in shown.lower()
    assert step.text == shown.strip()


@given(text=st.text(alphabet="ab [] \n", max_size=80))
def test_without_a_mark_all_is_shown(text: str) -> None:
    step = Step()

    shown = step.take(text) + step.rest()

    assert not step.is_last
    assert shown == text.rstrip()
