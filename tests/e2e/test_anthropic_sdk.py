"""Anthropic's official SDK as the client, sync and async: of a model at its own API, and of one asked for chat."""

import asyncio
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import anthropic
import pytest

from tests.e2e.world import NANO, NANO_PER_TOKEN, World
from tests.upstream import Upstream

pytestmark = pytest.mark.once

MODELS = ("native", "translated")
TOOLS: list[Any] = [{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {}}}}]
ASKED: dict[str, Any] = {"max_tokens": 200, "messages": [{"role": "user", "content": "Say hello to the tests"}]}
_FAULTS = {"": "plain", "-tools": "fault:reasoning+tool-calls", "-limited": "fault:status-429:30"}
_CUT = {"-cut": "fault:chunks:9:0.05+eof-mid-stream:5", "-failing": "fault:garbage-json"}


@pytest.fixture(scope="module")
def world(impatient: World, upstream_server_id: int) -> World:
    secret = {"provider": "anthropic", "key_name": "sdk", "api_key": token_hex(16)}
    key_id = impatient.manage("POST", "api-keys", secret)["id"]
    names = []
    for name, kind, provider_id in (("native", "api_key", key_id), ("translated", "ai_server", upstream_server_id)):
        for ending, model in (_FAULTS | _CUT).items():
            names.append(f"{name}{ending}")
            where = {"provider_type": kind, "provider_id": provider_id, "upstream_model": model}
            priced = {"input_price": "2.00", "output_price": "2.00", "max_output_tokens": 4000}
            impatient.manage("POST", "models", {"name": names[-1], **priced, "deployments": [where]})
    impatient.wait_for(*names)
    return impatient


@pytest.fixture
def client(world: World) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=world.live.url, api_key=world.key, max_retries=0) as sdk:
        yield sdk


@pytest.mark.parametrize("model", MODELS)
def test_a_message(client: anthropic.Anthropic, world: World, model: str) -> None:
    raw = client.messages.with_raw_response.create(model=model, **ASKED)
    answer = raw.parse()

    assert (answer.content[0].type, answer.stop_reason, answer.model) == ("text", "end_turn", model)
    assert answer.usage.output_tokens > 0
    row = world.settled(raw.headers["x-request-id"])
    assert row["charged"] == (answer.usage.input_tokens + answer.usage.output_tokens) * NANO_PER_TOKEN


@pytest.mark.parametrize("model", MODELS)
def test_a_stream(client: anthropic.Anthropic, world: World, model: str) -> None:
    with client.messages.stream(model=model, **ASKED) as stream:
        text = "".join(stream.text_stream)
        whole = stream.get_final_message()
        request_id = stream.response.headers["x-request-id"]

    assert whole.content[0].type == "text" and whole.content[0].text == text != ""
    assert (whole.stop_reason, whole.model) == ("end_turn", model)
    row = world.settled(request_id)
    assert row["charged"] == (whole.usage.input_tokens + whole.usage.output_tokens) * NANO_PER_TOKEN
    ended = list(client.messages.create(model=model, stream=True, **ASKED))[-2]
    cost: Any = getattr(getattr(ended, "usage"), "cost_credits")  # noqa: B009 - the SDK's model does not know it
    assert round(float(cost) * NANO) == row["charged"]


@pytest.mark.parametrize("model", MODELS)
def test_async(world: World, model: str) -> None:
    async def both() -> tuple[Any, Any]:
        async with anthropic.AsyncAnthropic(base_url=world.live.url, api_key=world.key, max_retries=0) as sdk:
            answer = await sdk.messages.create(model=model, **ASKED)
            async with sdk.messages.stream(model=model, **ASKED) as stream:
                return answer.content, (await stream.get_final_message()).content

    plain, streamed = asyncio.run(both())
    assert plain[0].text == streamed[0].text != ""


@pytest.mark.parametrize("model", MODELS)
def test_thoughts_and_tools_and_what_they_answered(client: anthropic.Anthropic, model: str) -> None:
    asked = ASKED | {"model": f"{model}-tools", "tools": TOOLS}
    answer = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()

    for message in (answer, streamed):
        thoughts, use = message.content
        assert thoughts.type == "thinking" and thoughts.thinking == " Let me think."
        assert use.type == "tool_use" and (use.name, use.input) == ("get_weather", {"city": "Paris"})
        assert message.stop_reason == "tool_use"
    result = {"type": "tool_result", "tool_use_id": answer.content[1].id, "content": "Rain"}  # type: ignore[union-attr]
    turns: list[Any] = [
        *ASKED["messages"],
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    assert client.messages.create(model=model, max_tokens=200, messages=turns, tools=TOOLS).content


@pytest.mark.parametrize("model", MODELS)
def test_errors_are_the_classes_that_users_of_the_sdk_catch(client: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.RateLimitError) as limited:
        client.messages.create(model=f"{model}-limited", **ASKED)
    assert (limited.value.type, limited.value.response.headers["retry-after"]) == ("rate_limit_error", "30")
    with pytest.raises(anthropic.InternalServerError) as failed:
        client.messages.create(model=f"{model}-failing", **ASKED)
    assert (failed.value.status_code, failed.value.type) == (502, "api_error")
    with pytest.raises(anthropic.APIStatusError) as cut:
        list(client.messages.create(model=f"{model}-cut", stream=True, **ASKED))
    assert (cut.value.type, cut.value.request_id) == ("api_error", cut.value.response.headers["x-request-id"])


def test_refusals_are_the_classes_that_users_of_the_sdk_catch(client: anthropic.Anthropic, world: World) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="no-such-model", **ASKED)
    assert missing.value.type == "not_found_error"
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model="native", max_tokens=10, messages=[])
    with (
        anthropic.Anthropic(base_url=world.live.url, api_key="sk-ops-nobody", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model="native", **ASKED)


def test_tokens_are_counted(client: anthropic.Anthropic, upstream: Upstream) -> None:
    counted = client.messages.count_tokens(model="native", messages=ASKED["messages"])
    assert 0 < counted.input_tokens < 50
    assert upstream.calls == []
