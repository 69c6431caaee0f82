"""The official SDK as the client, sync and async, against a server registered over REST."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.e2e.world import HELLO, World
from tests.upstream import Upstream

pytestmark = pytest.mark.once

WEATHER: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
MESSAGES: Any = HELLO


@pytest.fixture(scope="module")
def world(impatient: World, upstream_server_id: int) -> World:
    server = {"server": upstream_server_id}
    impatient.offer("sdk", [server | {"model": "plain"}])
    impatient.offer("sdk-litellm", [server | {"model": "plain", "transport": "litellm"}])
    impatient.offer("sdk-tools", [server | {"model": "fault:tool-calls"}])
    impatient.offer("sdk-broken", [server | {"model": "fault:chunks:9:0.05+eof-mid-stream"}])
    impatient.offer("sdk-limited", [server | {"model": "fault:status-429:1"}])
    impatient.offer("sdk-slow", [server | {"model": "fault:slow-first-byte:30"}])
    impatient.wait_for("sdk", "sdk-litellm", "sdk-tools", "sdk-broken", "sdk-limited", "sdk-slow")
    return impatient


@pytest.fixture
def client(world: World) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=world.live.base_url, api_key=world.key, max_retries=0) as sdk:
        yield sdk


@pytest.mark.parametrize("model", ["sdk", "sdk-litellm"])
def test_chat(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None and answer.usage.total_tokens > 0
    assert answer.model == model


@pytest.mark.parametrize("model", ["sdk", "sdk-litellm"])
def test_stream(client: openai.OpenAI, model: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage is not None and not chunks[-1].choices
    assert float(getattr(chunks[-1].usage, "cost_credits")) > 0  # noqa: B009 - the SDK's model does not know it


@pytest.mark.parametrize("model", ["sdk", "sdk-litellm"])
def test_async_chat_and_stream(world: World, model: str) -> None:
    async def both() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=world.live.base_url, api_key=world.key, max_retries=0) as sdk:
            answer = await sdk.chat.completions.create(model=model, messages=MESSAGES)
            stream = await sdk.chat.completions.create(model=model, messages=MESSAGES, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
            return answer.choices[0].message.content or "", text

    plain, streamed = asyncio.run(both())
    assert plain == streamed != ""


def test_tools(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sdk-tools", messages=MESSAGES, tools=WEATHER)
    calls = answer.choices[0].message.tool_calls
    assert calls and answer.choices[0].finish_reason == "tool_calls"
    chunks = list(client.chat.completions.create(model="sdk-tools", messages=MESSAGES, tools=WEATHER, stream=True))
    assert any(chunk.choices[0].delta.tool_calls for chunk in chunks if chunk.choices)


def test_response_format_and_unknown_fields_reach_the_upstream(client: openai.OpenAI, upstream: Upstream) -> None:
    client.chat.completions.create(
        model="sdk",
        messages=MESSAGES,
        response_format={"type": "json_object"},
        seed=7,
        extra_body={"top_k": 3, "metadata": {"component": "tests", "team": "blue"}},
    )
    (call,) = upstream.calls.for_model("plain")
    assert call.body["response_format"] == {"type": "json_object"}
    assert (call.body["seed"], call.body["top_k"]) == (7, 3)
    assert call.body["metadata"] == {"team": "blue"}


def test_several_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sdk", messages=MESSAGES, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_models(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {"sdk", "sdk-litellm"} <= names
    assert client.models.retrieve("sdk").id == "sdk"


def test_a_broken_stream_raises_and_never_looks_complete(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="sdk-broken", messages=MESSAGES, stream=True))


def test_errors_are_the_classes_that_users_of_the_sdk_catch(client: openai.OpenAI, world: World) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="sdk", messages=[])
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="sdk-limited", messages=MESSAGES)
    with (
        openai.OpenAI(base_url=world.live.base_url, api_key="sk-ops-nobody", max_retries=0) as nobody,
        pytest.raises(openai.AuthenticationError),
    ):
        nobody.models.list()


def test_a_client_that_waits_no_longer_times_out_and_leaves_no_open_hold(client: openai.OpenAI, world: World) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=2).chat.completions.create(model="sdk-slow", messages=MESSAGES)

    row = world.settled_for("sdk-slow")
    assert (row["status"], row["state"]) == ("disconnected", "CAPTURED")


def test_the_same_endpoints_stand_under_the_api_path(world: World) -> None:
    base_url = f"{world.live.url}/api/v1/llm"
    with openai.OpenAI(base_url=base_url, api_key=world.key, max_retries=0) as sdk:
        assert sdk.chat.completions.create(model="sdk", messages=MESSAGES).choices
        assert {model.id for model in sdk.models.list()} >= {"sdk"}


def test_a_poor_caller_is_told_what_it_can_afford(world: World) -> None:
    key = world.new_key("charlie", credits=3)
    world.wait_for("sdk", key=key)
    with openai.OpenAI(base_url=world.live.base_url, api_key=key, max_retries=0) as sdk:
        with pytest.raises(openai.APIStatusError) as refused:
            sdk.chat.completions.create(model="sdk", messages=MESSAGES, max_tokens=4000)
        assert refused.value.status_code == 402
        details: Any = refused.value.response.json()["error"]["details"]
        assert details["limit_source"] == "credits" and details["remedy_hint"]
        affordable = details["affordable_max_tokens"]
        assert affordable > 256
        assert sdk.chat.completions.create(model="sdk", messages=MESSAGES, max_tokens=affordable).choices
        clamped = sdk.chat.completions.with_raw_response.create(model="sdk", messages=MESSAGES)
    world.settled(clamped.headers["x-request-id"])
    assert world.credits(key)["held"] == "0"
