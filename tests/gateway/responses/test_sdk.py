"""OpenAI's official SDK as the client of both ways."""

import asyncio
from typing import Any

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.gateway.in_process import InProcess
from tests.gateway.sdk.clients import by_openai
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_MODELS = ("native", "relayed", "converted")
_WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


class Told(BaseModel):
    """What the upstream says where it is asked for JSON."""

    demo: bool
    question: str


def _created(serving: InProcess, key: str, **asked: Any) -> Any:
    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        return await sdk.responses.create(**asked)

    return by_openai(serving, key, ask)


def _parsed(serving: InProcess, key: str, **asked: Any) -> Any:
    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        return await sdk.responses.parse(**asked)

    return by_openai(serving, key, ask)


def _streamed(serving: InProcess, key: str, **asked: Any) -> tuple[list[Any], Any]:
    """Its events, and what the SDK has made of them in the end."""

    async def ask(sdk: openai.AsyncOpenAI) -> tuple[list[Any], Any]:
        async with sdk.responses.stream(**asked) as stream:
            events = [event async for event in stream]
            return events, await stream.get_final_response()

    return by_openai(serving, key, ask)


def test_it_answers_with_text_and_usage(serving: InProcess, key: str) -> None:
    async def ask(sdk: openai.AsyncOpenAI) -> list[Response]:
        asked = [sdk.responses.create(model=name, input="Hello", instructions="Be brief.") for name in _MODELS]
        return await asyncio.gather(*asked)

    answers = by_openai(serving, key, ask)

    assert [answer.model for answer in answers] == list(_MODELS)
    assert {answer.status for answer in answers} == {"completed"}
    assert len({answer.output_text for answer in answers}) == 1
    assert all("You asked: Hello" in answer.output_text for answer in answers)
    assert all(answer.usage and answer.usage.total_tokens > 0 for answer in answers)


def test_a_stream_builds_up_the_answer_and_tells_its_cost(serving: InProcess, key: str) -> None:
    for name in _MODELS:
        events, whole = _streamed(serving, key, model=name, input="Hello")

        assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
        assert events[-1].type == "response.completed"
        assert [event.sequence_number for event in events] == list(range(len(events)))
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert said == whole.output_text
        assert {event.response.model for event in events if hasattr(event, "response")} == {name}
        assert float(whole.usage.cost_credits) > 0


def test_functions_are_called_and_their_results_taken(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "tool-calls+reasoning")
    for name in _MODELS:
        asked: dict[str, Any] = {"model": name, "input": "Hello", "tools": [_WEATHER]}
        plain = _created(serving, key, **asked)
        events, whole = _streamed(serving, key, **asked)

        for answer in (plain, whole):
            thoughts, call = answer.output
            assert (thoughts.type, call.type) == ("reasoning", "function_call")
            assert thoughts.summary[0].text == " Let me think."
            assert (call.name, call.arguments, call.call_id) == ("get_weather", '{"city": "Paris"}', "call_1")
        assert "response.function_call_arguments.delta" in {event.type for event in events}

    upstream.behave("test-model", "ok")
    result = {"type": "function_call_output", "call_id": "call_1", "output": "Rain."}
    for name in _MODELS:
        turns: Any = [{"role": "user", "content": "Hello"}, *plain.output, result]
        again = _created(serving, key, model=name, input=turns)
        assert again.output_text
    chat = upstream.calls.to("/v1/chat/completions")[-1]
    assert [message["role"] for message in chat.body["messages"]] == ["user", "assistant", "tool"]


def test_structured_outputs_are_parsed(serving: InProcess, key: str) -> None:
    for name in _MODELS:
        asked: dict[str, Any] = {"model": name, "input": "Hello", "text_format": Told}
        answer = _parsed(serving, key, **asked)
        _, whole = _streamed(serving, key, **asked)

        assert answer.output_parsed == whole.output_parsed == Told(demo=True, question="Hello")


def test_an_answer_cut_at_its_limit_says_so(serving: InProcess, key: str) -> None:
    for name in _MODELS:

        async def ask(sdk: openai.AsyncOpenAI, name: str = name) -> tuple[Any, list[Any]]:
            plain = await sdk.responses.create(model=name, input="Hello", max_output_tokens=3)
            stream = await sdk.responses.create(model=name, input="Hello", max_output_tokens=3, stream=True)
            return plain, [event async for event in stream]

        plain, events = by_openai(serving, key, ask)

        for answer in (plain, events[-1].response):
            assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        assert events[-1].type == "response.incomplete"


def test_errors_are_the_classes_that_users_of_the_sdk_catch(serving: InProcess, key: str, upstream: Upstream) -> None:
    async def ask(sdk: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.create(model="nothing", input="Hello")
        with pytest.raises(openai.BadRequestError) as kept:
            await sdk.responses.create(model="native", input="Hello", previous_response_id="resp_1")
        assert (kept.value.code, kept.value.param) == ("stored_content", "previous_response_id")
        with pytest.raises(openai.BadRequestError) as unpriced:
            await sdk.responses.create(model="native", input="Hello", tools=[{"type": "web_search"}])
        assert unpriced.value.code == "unpriced_field"
        for ask_for_one in (sdk.responses.retrieve, sdk.responses.delete, sdk.responses.cancel):
            with pytest.raises(openai.NotFoundError) as missing:
                await ask_for_one("resp_1")
            assert missing.value.code == "not_stored"
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.input_items.list("resp_1")

    by_openai(serving, key, ask)

    assert not upstream.calls


def test_a_broken_stream_raises_and_never_looks_complete(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "chunks:40:0.02+eof-mid-stream:9")
    for name in _MODELS:
        with pytest.raises(openai.APIError, match="ended before it was complete"):
            _streamed(serving, key, model=name, input="Hello")
