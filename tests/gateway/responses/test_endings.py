"""What is charged for a response at each way in which it can end, over OpenAI's own API and over chat."""

import itertools
import json
from typing import Any

import httpx
import pytest

from credits import checker
from credits.models import Entry, Hold
from gateway.endpoints.responses.request import count_prompt
from gateway.models import RequestRow
from gateway.stored_receipts import receipt_of
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import wallet
from tests.gateway.responses.conftest import GIVEN, events_of, respond
from tests.llmconfig.api import Api, on_key, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_NANO_PER_TOKEN = 2_000_000
_ENDS = ("response.completed", "response.incomplete")
_MODELS = ("native", "relayed")


def _row(answer: httpx.Response) -> RequestRow:
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert not Hold.objects.filter(state="HELD").exists()
    assert list(checker.check()) == []
    assert receipt_of(row).contradictions == ()
    return row


def _spent() -> int:
    return GIVEN - wallet(User.objects.get(username="bob")).posted


def _usage(answer: httpx.Response, *, stream: bool) -> dict[str, Any]:
    usage: dict[str, Any] = (events_of(answer)[-1]["response"] if stream else answer.json())["usage"]
    return usage


def test_what_the_provider_reports_is_charged(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "usage:11:7+cached:4")
    for model, stream in itertools.product((*_MODELS, "converted"), (False, True)):
        answer = respond(serving, key, model=model, stream=stream)

        row = _row(answer)
        assert (row.endpoint, row.status, row.billing_basis) == ("responses", "succeeded", "provider")
        assert (row.prompt_tokens, row.completion_tokens, row.charged_nano) == (11, 7, 18 * _NANO_PER_TOKEN)
        usage = _usage(answer, stream=stream)
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (11, 7, 18)
        assert usage["input_tokens_details"]["cached_tokens"] == 4
        assert usage.get("cost_credits") == ("0.036" if stream else None)
        assert stream or answer.headers["x-ops-cost-credits"] == "0.036"
    assert _spent() == 6 * 18 * _NANO_PER_TOKEN


def test_without_a_usable_usage_the_text_is_counted(serving: InProcess, key: str, upstream: Upstream) -> None:
    for fault, model in itertools.product(("no-usage", "wrong-usage:negative", "wrong-usage:list"), _MODELS):
        upstream.behave("test-model", f"chunks:40+{fault}")
        for stream in (False, True):
            answer = respond(serving, key, model=model, stream=stream)

            row = _row(answer)
            assert (row.billing_basis, row.prompt_tokens) == ("counted", count_prompt({"input": "Hello"})), fault
            assert row.completion_tokens > 40
            assert row.charged_nano == (row.prompt_tokens + row.completion_tokens) * _NANO_PER_TOKEN
            if stream:
                assert _usage(answer, stream=True)["output_tokens"] == row.completion_tokens


def test_an_upstream_that_fails_in_the_middle_is_free_and_the_operators(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    expected = 0
    faults = ("reset-mid-stream", "eof-mid-stream", "garbage-sse", "non-utf8", "error-event")
    for fault, model in itertools.product(faults, _MODELS):
        upstream.behave("test-model", f"chunks:40:0.02+{fault}:8", f"chunks:40+{fault}")

        answer = respond(serving, key, model=model, stream=True)

        *before, last = events_of(answer)
        assert (last["type"], last["message"]) == ("error", last["error"]["message"]), fault
        assert last["sequence_number"] == before[-1]["sequence_number"] + 1
        assert not {event["type"] for event in before} & {*_ENDS, "error"}
        row = _row(answer)
        assert (row.status, row.billing_basis, row.charged_nano) == ("failed", "void", 0)
        expected += (row.prompt_tokens + row.completion_tokens) * _NANO_PER_TOKEN

        plain = respond(serving, key, model=model)
        assert (plain.status_code, _row(plain).billing_basis) == (502, "void"), fault
    assert _spent() == 0
    assert -sum(entry.amount for entry in Entry.objects.filter(account__code="expense:upstream")) == expected > 0


def test_what_has_no_proper_end_is_no_answer(serving: InProcess, key: str, upstream: Upstream) -> None:
    for fault, model in itertools.product(("no-done", "no-finish"), _MODELS):
        upstream.behave("test-model", f"chunks:9:0.02+{fault}")

        answer = respond(serving, key, model=model, stream=True)

        assert events_of(answer)[-1]["type"] == "error"
        assert (_row(answer).billing_basis, _spent()) == ("void", 0)


def test_an_upstreams_fault_before_its_answer_has_a_status_of_its_own_and_costs_nothing(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    faults = {
        "status-429:7": (429, "upstream_rate_limited"),
        "status-500": (502, "upstream_error"),
        "status-401": (502, "upstream_error"),
        "status-400": (400, "upstream_rejected"),
        "reset-before-first-byte": (502, "upstream_error"),
        "garbage-json": (502, "upstream_error"),
        "error-event:0": (502, "upstream_error"),
    }
    for fault, model in itertools.product(faults, _MODELS):
        upstream.behave("test-model", fault)
        for stream in (False, True):
            answer = respond(serving, key, model=model, stream=stream)

            assert (answer.status_code, answer.json()["error"]["code"]) == faults[fault], fault
            assert str(upstream.port) not in answer.text
            assert _row(answer).billing_basis == "void"
    assert _spent() == 0


def test_an_answer_longer_than_asked_for_is_cut_and_charged_at_most_what_was_held(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    upstream.behave("test-model", "chunks:3000+ignore-max-tokens")
    spent = 0
    for model in _MODELS:
        answer = respond(serving, key, model=model, stream=True, max_output_tokens=16)

        assert events_of(answer)[-1]["type"] == "error"
        row = _row(answer)
        assert 0 < row.charged_nano <= row.held_nano
        spent += row.charged_nano
    assert _spent() == spent


def test_who_speaks_something_else_takes_over_before_the_first_byte(
    serving: InProcess, alice: Api, key: str, upstream: Upstream
) -> None:
    provider_key = alice.get("api-keys").body["results"][0]
    server = alice.get("servers").body["results"][0]
    on = on_key(provider_key, "broken", input_price="2")
    alice.model(on, on_server(server, "test-model", priority=1), name="mixed")
    serving.sees_changes()
    upstream.behave("broken", "status-500")

    answer = respond(serving, key, model="mixed", stream=True)

    assert (answer.status_code, events_of(answer)[-1]["type"]) == (200, "response.completed")
    assert {call.path for call in upstream.calls} == {"/v1/responses", "/v1/chat/completions"}


def test_nothing_is_kept_at_the_provider_and_lost_thoughts_are_left_out(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    lost = {"type": "reasoning", "id": "rs_1", "summary": []}
    found = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "c2VhbGVk"}
    hello = {"role": "user", "content": "Hello"}

    answer = respond(serving, key, model="native", input=[lost, found, hello], store=True, top_k=3)

    (call,) = upstream.calls
    assert (call.path, call.body["store"], call.body["top_k"]) == ("/v1/responses", False, 3)
    assert call.body["input"] == [found, hello]
    assert call.body["max_output_tokens"] == 4000
    assert answer.json()["store"] is False


def test_the_same_stands_under_the_api_path(serving: InProcess, key: str) -> None:
    body = json.dumps({"model": "relayed", "input": "Hello"}).encode()

    answer = serving.call("POST", "/api/v1/llm/responses", key=key, content=body)
    missing = serving.get(f"/api/v1/llm/responses/{answer.json()['id']}", key=key)

    assert (answer.status_code, answer.json()["object"]) == (200, "response")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_stored")
