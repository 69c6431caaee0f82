"""POST /v1/embeddings: charged for its input by the one pipeline, whoever answers and in whatever encoding."""

import json
from base64 import b64decode
from struct import unpack
from typing import Any

import httpx
import pytest

from credits import checker
from gateway.counting import count_tokens
from gateway.endpoints.embeddings import parse
from gateway.errors import InvalidRequest
from gateway.models import RequestRow
from gateway.stored_receipts import receipt_of
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

# e1 costs $2 per 1M tokens, at 1000 credits per USD and without markup.
_NANO_PER_TOKEN = 2_000_000


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    def make() -> str:
        on = on_server(alice.server(base_url=upstream.origin, use_for_embeddings=True), "embedder")
        alice.model(on, name="e1", purpose="embeddings", input_price="2")
        alice.model({**on, "transport": "litellm"}, name="e2", purpose="embeddings", input_price="2")
        alice.model(on, name="m1", input_price="2")
        return key_of(person("bob", "LLM user", credits_nano=10**12)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


def _embed(serving: InProcess, key: str, **body: Any) -> httpx.Response:
    return serving.call("POST", "/v1/embeddings", key=key, content=json.dumps(body).encode())


def _row(answer: httpx.Response) -> RequestRow:
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert list(checker.check()) == []
    assert receipt_of(row).contradictions == ()
    return row


@pytest.mark.once
@pytest.mark.parametrize("model", ["e1", "e2"])
def test_vectors_come_back_and_their_input_is_charged(serving: InProcess, key: str, model: str) -> None:
    answer = _embed(serving, key, model=model, input=["one two", "three"])

    body = answer.json()
    assert (answer.status_code, body["model"], [item["index"] for item in body["data"]]) == (200, model, [0, 1])
    assert len(body["data"][0]["embedding"]) == 8
    assert (answer.headers["x-ops-cost-credits"], body["usage"]["prompt_tokens"]) == ("0.006", 3)
    row = _row(answer)
    assert (row.endpoint, row.billing_basis, row.prompt_tokens, row.charged_nano) == (
        *("embeddings", "provider", 3),
        3 * _NANO_PER_TOKEN,
    )


@pytest.mark.once
@pytest.mark.parametrize("model", ["e1", "e2"])
def test_who_asks_for_base64_gets_it_from_everybody(serving: InProcess, key: str, model: str) -> None:
    plain = _embed(serving, key, model=model, input="one")
    coded = _embed(serving, key, model=model, input="one", encoding_format="base64")

    vector = plain.json()["data"][0]["embedding"]
    assert list(unpack("<8f", b64decode(coded.json()["data"][0]["embedding"]))) == pytest.approx(vector)


@pytest.mark.once
def test_without_usage_the_input_is_counted(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("embedder", "no-usage")

    row = _row(_embed(serving, key, model="e1", input=["Hello there", "you"]))

    assert (row.billing_basis, row.prompt_tokens) == ("counted", count_tokens("Hello there") + count_tokens("you"))


@pytest.mark.once
def test_a_failing_upstream_costs_nothing(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("embedder", "status-500")

    answer = _embed(serving, key, model="e1", input="one")

    assert answer.status_code == 502
    assert (_row(answer).billing_basis, _row(answer).charged_nano) == ("void", 0)


@pytest.mark.once
def test_models_for_chat_are_not_found_here(serving: InProcess, key: str) -> None:
    assert _embed(serving, key, model="m1", input="one").status_code == 404


@pytest.mark.once
def test_what_the_credits_do_not_cover_is_refused_with_what_helps(serving: InProcess, alice: Api, key: str) -> None:
    poor = key_of(person("carol", "LLM user", credits_nano=1000)).plaintext

    error = _embed(serving, poor, model="e1", input="one").json()["error"]

    assert (error["type"], error["details"]["affordable_max_tokens"]) == ("insufficient_quota", 0)
    assert "Send less" in error["details"]["remedy_hint"]


@pytest.mark.parametrize("value", [None, "", [], [[]], {}, 7, ["a", 1], [[1], "a"], [True], [1.5], [["a"]]])
def test_an_input_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(json.dumps({"model": "e1", "input": value}).encode())
    assert refused.value.param == "input"


@pytest.mark.parametrize("value", ["a", ["a", ""], [1, 2], [[1], [2, 3]]])
def test_texts_and_tokens_are_taken(value: object) -> None:
    ask = parse(json.dumps({"model": "e1", "input": value, "dimensions": 4}).encode())

    assert (ask.stream, ask.choices, ask.body["dimensions"]) == (False, 0, 4)
    assert ask.input_bound > len(json.dumps(value))
