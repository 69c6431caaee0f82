"""OpenAI's SDK: what it makes of chats that call tools, are structured, or go over an active provider."""

from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.in_process import InProcess
from tests.gateway.sdk.clients import by_openai
from tests.gateway.sdk.conftest import CHATS
from tests.llmconfig.api import Api, chat_on
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

HELLO: Any = [{"role": "user", "content": "Hello"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Told(BaseModel):
    """What the upstream says where it is asked for JSON."""

    demo: bool
    note: str
    question: str


def _completed(serving: InProcess, key: str, **asked: Any) -> Any:
    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        return await sdk.chat.completions.create(**{"messages": HELLO, **asked})

    return by_openai(serving, key, ask)


def _parsed(serving: InProcess, key: str, **asked: Any) -> Any:
    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        return await sdk.chat.completions.parse(**{"messages": HELLO, **asked})

    return by_openai(serving, key, ask)


def _streamed(serving: InProcess, key: str, **asked: Any) -> Any:
    """What the SDK's helper has put together of a stream."""

    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        async with sdk.chat.completions.stream(
            **{"messages": HELLO, "stream_options": {"include_usage": True}, **asked}
        ) as stream:
            return await stream.get_final_completion()

    return by_openai(serving, key, ask)


@pytest.mark.parametrize("model", CHATS)
def test_tools_are_called_two_at_once_and_their_results_taken(
    serving: InProcess, key: str, upstream: Upstream, model: str
) -> None:
    upstream.behave("test-model", "tool-calls:2")
    asked = {"model": model, "tools": [WEATHER], "parallel_tool_calls": True}

    for answer in (_completed(serving, key, **asked), _streamed(serving, key, **asked)):
        (choice,) = answer.choices
        calls = choice.message.tool_calls
        assert choice.finish_reason == "tool_calls"
        assert [(call.id, call.function.name) for call in calls] == [
            ("call_1", "get_weather"),
            ("call_2", "get_weather"),
        ]
        assert [call.function.arguments for call in calls] == ['{"city": "Paris"}'] * 2

    upstream.behave("test-model", "ok")
    results = [{"role": "tool", "tool_call_id": call.id, "content": "Rain."} for call in calls]
    assistant = {"role": "assistant", "tool_calls": [call.model_dump(exclude={"parsed_arguments"}) for call in calls]}
    again = _completed(serving, key, **asked | {"messages": [*HELLO, assistant, *results]})
    assert again.choices[0].message.content
    sent = upstream.calls.for_model("test-model")[-1].body
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "tool"]
    assert sent["parallel_tool_calls"] is True


@pytest.mark.parametrize("model", CHATS)
def test_structured_outputs_are_parsed(serving: InProcess, key: str, upstream: Upstream, model: str) -> None:
    plain = _parsed(serving, key, model=model, response_format=Told)
    streamed = _streamed(serving, key, model=model, response_format=Told)

    for answer in (plain, streamed):
        told = answer.choices[0].message.parsed
        assert isinstance(told, Told) and (told.demo, told.question) == (True, "Hello")
    for call in upstream.calls:
        assert call.body["response_format"]["json_schema"]["schema"]["required"] == ["demo", "note", "question"]


@pytest.mark.parametrize("model", CHATS)
def test_tools_of_a_pydantic_model_are_parsed(serving: InProcess, key: str, upstream: Upstream, model: str) -> None:
    class Weather(BaseModel):
        city: str

    upstream.behave("test-model", "tool-calls")
    tool = openai.pydantic_function_tool(Weather, name="get_weather")
    for answer in (
        _parsed(serving, key, model=model, tools=[tool]),
        _streamed(serving, key, model=model, tools=[tool]),
    ):
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.parsed_arguments == Weather(city="Paris")


def test_a_stream_ends_with_usage_and_cost_for_who_asked(serving: InProcess, key: str) -> None:
    whole = _streamed(serving, key, model="relayed", n=2)

    assert [choice.index for choice in whole.choices] == [0, 1]
    assert whole.usage.total_tokens > 0
    assert float(whole.usage.cost_credits) > 0


def test_models_are_listed_and_chats_answered_below_each_address(serving: InProcess, key: str) -> None:
    async def ask(sdk: openai.AsyncOpenAI) -> tuple[set[str], str, str]:
        names = {model.id async for model in sdk.models.list()}
        one = await sdk.models.retrieve("relayed")
        answer = await sdk.chat.completions.create(model="relayed", messages=HELLO)
        return names, one.id, answer.model

    for base in ("v1", "api/v1/llm", "api/v2/llm"):
        names, one, answered = by_openai(serving, key, ask, base_url=f"http://localhost/{base}")

        assert {"relayed", "converted"} <= names
        assert (one, answered) == ("relayed", "relayed")


def test_without_a_name_the_active_provider_answers(serving: InProcess, key: str, alice: Api) -> None:
    (server,) = alice.get("servers").body["results"]
    assert alice.post("active", chat_on("ai_server", server, "test-model")).status in (200, 201)
    serving.sees_changes()

    assert _completed(serving, key, model="auto").choices[0].message.content
