"""A gateway with models behind it: one at Anthropic's own API, two that are asked for chat, one of them by LiteLLM."""

import json
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_key, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

# Each costs $2 per 1M tokens either way, at 1000 credits per USD and without markup.
NANO_PER_TOKEN = 2_000_000
GIVEN = 1000 * 10**9
SECRET = f"{token_hex(12)}5d80"
NATIVE, TRANSLATED, ENGINE = "claude", "llama", "gemma"
MODELS = (NATIVE, TRANSLATED, ENGINE)
WAYS = (NATIVE, TRANSLATED)
UPSTREAM_MODEL = {NATIVE: "claude-upstream", TRANSLATED: "llama-upstream", ENGINE: "gemma-upstream"}


@dataclass
class Client:
    """Bob's."""

    serving: InProcess
    key: str

    def ask(self, model: str, *, path: str = "/v1/messages", **fields: Any) -> httpx.Response:
        body = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": "Hello"}], **fields}
        return self.post(path, {name: value for name, value in body.items() if value is not None})

    def post(self, path: str, body: Any) -> httpx.Response:
        content = json.dumps(body).encode()
        return self.serving.call("POST", path, content=content, headers={"x-api-key": self.key})


@pytest.fixture
def client(alice: Api, serving: InProcess, upstream: Upstream, settings: Settings) -> Client:
    settings.PROVIDER_API_BASES = {"anthropic": upstream.origin}
    settings.BREAKER_FAILURES = 1_000_000

    def make() -> str:
        key = alice.key(provider="anthropic", api_key=SECRET)
        server = alice.server(base_url=upstream.origin, server_type="openai-compatible")
        priced = {"input_price": "2", "cached_input_price": "1", "output_price": "2", "max_output_tokens": 4000}
        alice.model(on_key(key, UPSTREAM_MODEL[NATIVE]), name=NATIVE, **priced)
        alice.model(on_server(server, UPSTREAM_MODEL[TRANSLATED]), name=TRANSLATED, **priced)
        alice.model(on_server(server, UPSTREAM_MODEL[ENGINE], transport="litellm"), name=ENGINE, **priced)
        return key_of(person("bob", "LLM user", credits_nano=GIVEN)).plaintext

    bob = replayed(__name__, make)
    serving.sees_changes()
    return Client(serving, bob)


def events_in(answer: httpx.Response) -> list[Any]:
    """Each with the type that its `event:` line tells, too."""
    found = []
    for part in answer.text.split("\n\n"):
        if part:
            name, data = part.split("\n")
            body = json.loads(data.removeprefix("data: "))
            assert name == f"event: {body['type']}"
            found.append(body)
    return found


def content_in(answer: httpx.Response) -> list[Any]:
    """The blocks of an answer, plain or put together from a stream's events."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        blocks: list[Any] = answer.json()["content"]
        return blocks
    found: dict[int, Any] = {}
    for event in events_in(answer):
        if event["type"] == "content_block_start":
            found[event["index"]] = {**event["content_block"], "json": ""}
        elif event["type"] == "content_block_delta":
            block, delta = found[event["index"]], event["delta"]
            for name in ("text", "thinking", "signature"):
                block[name] = block.get(name, "") + delta.get(name, "") if name in delta else block.get(name)
            block["json"] += delta.get("partial_json", "")
    return [_finished(block) for block in found.values()]


def _finished(block: dict[str, Any]) -> dict[str, Any]:
    written = block.pop("json")
    if written:
        block["input"] = json.loads(written)
    return {name: value for name, value in block.items() if value is not None}
