"""One upstream behind three models: `native` by OpenAI's API, `relayed` and `converted` by chat."""

import json
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_key, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

GIVEN = 1000 * 10**9


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream, settings: Settings) -> str:
    """Each model costs $2 per 1M tokens either way, at 1000 credits per USD and without markup."""
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    # One fault after the other is no reason to ask nobody any more.
    settings.BREAKER_FAILURES = 1_000_000

    def make() -> str:
        server, provider_key = alice.server(base_url=upstream.origin), alice.key()
        for name, deployment in (
            ("native", on_key(provider_key, "test-model")),
            ("relayed", on_server(server, "test-model")),
            ("converted", on_server(server, "test-model", transport="litellm")),
        ):
            alice.model(deployment, name=name, input_price="2", max_output_tokens=4000)
        return key_of(person("bob", "LLM user", credits_nano=GIVEN)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


def respond(serving: InProcess, key: str, **body: Any) -> httpx.Response:
    content = json.dumps({"input": "Hello", **body}).encode()
    return serving.call("POST", "/v1/responses", key=key, content=content)


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
