"""Bob has a key, and two models to execute workflows with."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from credits import checker
from credits.models import Hold
from gateway.models import RequestRow
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, chat_on, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

NANO = 10**9


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    """Bob's. m1 costs a credit for each token in, and two for each out; m2 a tenth."""

    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(on_server(server, "m1", input_price="1000", output_price="2000"), name="m1", max_output_tokens=4000)
        alice.model(on_server(server, "m2", input_price="100", output_price="200"), name="m2", max_output_tokens=4000)
        alice.post("active", chat_on("ai_server", server, "m2"))
        return key_of(person("bob", "LLM user", credits_nano=10**6 * NANO)).plaintext

    return replayed((__name__, upstream.origin), make)


Execute = Callable[..., httpx.Response]


@pytest.fixture
def execute(serving: InProcess, key: str) -> Execute:
    def execute(
        workflow: str, input: Any, headers: dict[str, str] | None = None, key: str = key, **fields: Any
    ) -> httpx.Response:
        serving.sees_changes()
        body = json.dumps({"workflowId": workflow, "input": input, **fields}).encode()
        return serving.call("POST", "/v1/workflows/execute", key=key, content=body, headers=headers)

    return execute


def whole_of(answer: httpx.Response) -> RequestRow:
    """Its row, in books that agree."""
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert list(checker.check()) == []
    assert not Hold.objects.filter(state=Hold.State.HELD).exists()
    return row


def steps_of(answer: httpx.Response) -> list[RequestRow]:
    return list(RequestRow.objects.filter(parent_id=answer.headers["x-request-id"]).order_by("id"))
