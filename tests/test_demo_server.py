"""The demo model server keeps to OpenAI's wire format, and never passes for a model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from opscenter.demo_server import LABEL, DemoServer
from tests.eventually import eventually
from tests.processes import free_port

QUESTION = {"role": "user", "content": "What is 2 + 2?"}
ANSWER = f"{LABEL} You asked: What is 2 + 2?"


class Client:
    """Speaks to the demo server over a real socket."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, **body: Any) -> tuple[int, Any]:
        body = {"model": "demo", "messages": [QUESTION]} | body
        async with self._session.post("/v1/chat/completions", json=body) as response:
            return response.status, await response.json()

    async def stream(self, **body: Any) -> list[Any]:
        """The events' bodies; the last is the string [DONE]."""
        body = {"model": "demo", "messages": [QUESTION], "stream": True} | body
        async with self._session.post("/v1/chat/completions", json=body) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            events = (await response.text()).split("\n\n")
        assert events.pop() == ""
        assert events.pop() == "data: [DONE]"
        return [json.loads(event.removeprefix("data: ")) for event in events]

    async def get(self, path: str) -> Any:
        async with self._session.get(path) as response:
            return await response.json()

    async def send(self, data: bytes) -> int:
        async with self._session.post("/v1/chat/completions", data=data) as response:
            return response.status


@pytest.fixture
async def demo() -> AsyncIterator[Client]:
    runner = web.AppRunner(DemoServer().application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield Client(session)
    await runner.cleanup()


def texts(events: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


async def test_its_one_model_is_called_demo(demo: Client) -> None:
    listed = await demo.get("/v1/models")
    assert [model["id"] for model in listed["data"]] == ["demo"]


async def test_it_says_that_it_is_no_model_and_repeats_the_question(demo: Client) -> None:
    status, body = await demo.post()
    assert status == 200
    assert body["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    assert body["choices"][0]["finish_reason"] == "stop"


async def test_usage_counts_words_and_is_the_same_every_time(demo: Client) -> None:
    usages = [(await demo.post())[1]["usage"] for _ in range(2)]
    words = len(ANSWER.split())
    assert usages[0] == usages[1]
    assert usages[0] == {"prompt_tokens": 5, "completion_tokens": words, "total_tokens": 5 + words}


async def test_a_stream_says_the_same_in_pieces(demo: Client) -> None:
    events = await demo.stream()
    assert texts(events) == ANSWER
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [event["choices"][0]["finish_reason"] for event in events][-2:] == [None, "stop"]
    assert len({event["id"] for event in events}) == 1


async def test_a_stream_carries_usage_only_if_asked(demo: Client) -> None:
    assert not any("usage" in event for event in await demo.stream())
    *others, last = await demo.stream(stream_options={"include_usage": True})
    assert all(event["usage"] is None for event in others)
    assert last["choices"] == []
    assert last["usage"] == (await demo.post())[1]["usage"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_output_ends_at_its_limit(demo: Client, name: str) -> None:
    _, body = await demo.post(**{name: 3})
    assert body["choices"][0]["message"]["content"] == "This is the"
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 3
    events = await demo.stream(**{name: 3})
    assert texts(events) == "This is the"
    assert events[-1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stop", [" demo", ["nowhere", " demo"]])
async def test_output_ends_before_a_stop_text(demo: Client, stop: Any) -> None:
    _, body = await demo.post(stop=stop)
    assert body["choices"][0]["message"]["content"] == "This is the built-in"
    assert body["choices"][0]["finish_reason"] == "stop"


async def test_as_many_choices_as_asked_for(demo: Client) -> None:
    _, body = await demo.post(n=2)
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert body["usage"]["completion_tokens"] == 2 * len(ANSWER.split())
    events = await demo.stream(n=2)
    ends = [choice["index"] for event in events for choice in event["choices"] if choice["finish_reason"]]
    assert ends == [0, 1]


async def test_json_is_answered_with_json(demo: Client) -> None:
    _, body = await demo.post(response_format={"type": "json_object"})
    assert json.loads(body["choices"][0]["message"]["content"])["demo"] is True


async def test_tools_images_and_unknown_fields_are_tolerated(demo: Client) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "And this?"}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    messages = [{"role": "user", "content": parts}]
    status, body = await demo.post(messages=messages, tools=tools, temperature=2, made_up=[1])
    assert status == 200
    assert body["choices"][0]["message"]["content"].endswith("You asked: And this?")


async def test_text_that_is_not_ascii_arrives_whole(demo: Client) -> None:
    events = await demo.stream(messages=[{"role": "user", "content": "Grüße, 世界 🌍 \ud800"}])
    assert texts(events).endswith("Grüße, 世界 🌍 ?")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"n": 0}, "n"),
        ({"max_tokens": "3"}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"stream_options": 1}, "stream_options"),
        ({"response_format": "json"}, "response_format"),
    ],
)
async def test_what_openai_refuses_is_refused(demo: Client, body: dict[str, Any], param: str) -> None:
    status, answer = await demo.post(**body)
    assert status == 400
    assert answer["error"]["param"] == param


async def test_another_model_is_not_found(demo: Client) -> None:
    status, answer = await demo.post(model="gpt-4o")
    assert status == 404
    assert answer["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(demo: Client, data: bytes) -> None:
    assert await demo.send(data) == 400


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_without_settings_and_stops_when_told(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "opscenter.demo_server", "--port", str(free_port())]
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(command, env=bare, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "not a language model" in process.stderr.readline()
        process.send_signal(number)
        eventually(lambda: process.poll() is not None)
    assert process.returncode == 0
