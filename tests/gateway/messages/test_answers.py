"""What Anthropic's clients get, from its own API and from models that are asked for chat, and what they pay."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Entry, Hold
from gateway.counting import count_tokens
from gateway.endpoints.messages.request import count_prompt
from gateway.models import AttemptRow, RequestRow
from gateway.stored_receipts import receipt_of
from gateway.usage.check import Days, check
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.messages.conftest import (
    GIVEN,
    MODELS,
    NANO_PER_TOKEN,
    NATIVE,
    SECRET,
    TRANSLATED,
    UPSTREAM_MODEL,
    WAYS,
    Client,
    content_in,
    events_in,
)
from tests.gateway.people import wallet
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_WEATHER = {"name": "get_weather", "description": "Of a city", "input_schema": {"type": "object"}}
_PROMPT = count_prompt({"messages": [{"role": "user", "content": "Hello"}]})
_BEFORE_THE_ANSWER = {
    "status-500": 502,
    "status-529": 502,
    "status-429:1": 429,
    "status-401": 502,
    "status-404": 502,
    "status-400": 400,
    "redirect": 502,
    "reset-before-first-byte": 502,
}
_PLAIN = {"garbage-json": 502, "non-utf8": 502, "error-event": 502, "reset-mid-stream": 502}
_IN_A_STREAM = (
    *("reset-mid-stream:5", "half-close-mid-stream:5", "eof-mid-stream:5", "garbage-sse:5", "non-utf8:5"),
    *("error-event:5", "huge-line:5:9000000", "no-done", "no-finish"),
)
_UNUSABLE_USAGE = ("no-usage", "wrong-usage:negative", "wrong-usage:strings", "wrong-usage:empty", "wrong-usage:list")


def row_of(answer: httpx.Response) -> RequestRow:
    """The request's row, once all is written."""
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert not Hold.objects.filter(state="HELD").exists()
    return row


def books_balance() -> None:
    assert list(checker.check()) == []
    (row,) = RequestRow.objects.order_by("-created_at")[:1]
    assert check(Days(row.created_at.date(), row.created_at.date(), timedelta(minutes=-1))) == []
    assert receipt_of(row).contradictions == ()


def spent() -> int:
    return GIVEN - wallet(User.objects.get(username="bob")).posted


def test_what_the_provider_reports_is_charged_and_told(client: Client, upstream: Upstream) -> None:
    charged = 0
    for model in MODELS:
        upstream.behave(UPSTREAM_MODEL[model], "usage:11:7+cached:4")

        plain = client.ask(model)
        stream = client.ask(model, stream=True)

        cost = (7 * 2 + 4 * 1 + 7 * 2) * NANO_PER_TOKEN // 2
        counts = {"input_tokens": 7, "cache_read_input_tokens": 4, "output_tokens": 7}
        for answer in (plain, stream):
            row = row_of(answer)
            assert (row.status, row.billing_basis, row.charged_nano) == ("succeeded", "provider", cost)
            assert (row.endpoint, row.prompt_tokens, row.cached_tokens) == ("messages", 11, 4)
            charged += cost
        assert counts.items() <= plain.json()["usage"].items()
        assert plain.headers["x-ops-cost-credits"] == "0.032"
        ended, stopped = events_in(stream)[-2:]
        assert (ended["type"], stopped) == ("message_delta", {"type": "message_stop"})
        assert ended["usage"]["cost_credits"] == "0.032"
        assert ended["usage"]["output_tokens"] == 7
    assert spent() == charged
    books_balance()


def test_all_ways_say_the_same(client: Client, upstream: Upstream) -> None:
    for model in MODELS:
        plain, stream = client.ask(model).json(), client.ask(model, stream=True)

        events = events_in(stream)
        begun, (ended, _) = events[0]["message"], events[-2:]
        assert plain["content"] == content_in(stream)
        assert plain["content"][0]["text"].endswith("You asked: Hello")
        assert (plain["type"], plain["role"], plain["model"]) == ("message", "assistant", model)
        assert (begun["type"], begun["role"], begun["model"], begun["content"]) == ("message", "assistant", model, [])
        assert (plain["stop_reason"], plain["stop_sequence"]) == ("end_turn", None)
        assert ended["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
        assert UPSTREAM_MODEL[model] not in json.dumps([plain, events])
        assert stream.headers["request-id"] == stream.headers["x-request-id"]


def test_thoughts_and_tools_come_over_all_ways(client: Client, upstream: Upstream) -> None:
    for model in MODELS:
        upstream.behave(UPSTREAM_MODEL[model], "reasoning+tool-calls")

        plain, stream = client.ask(model, tools=[_WEATHER]), client.ask(model, tools=[_WEATHER], stream=True)

        thoughts, use = plain.json()["content"]
        assert (thoughts["type"], thoughts["thinking"]) == ("thinking", " Let me think.")
        assert (use["type"], use["name"], use["input"]) == ("tool_use", "get_weather", {"city": "Paris"})
        assert use["id"]
        assert plain.json()["stop_reason"] == "tool_use"
        assert content_in(stream) == [thoughts, use]
        assert events_in(stream)[-2]["delta"]["stop_reason"] == "tool_use"


def test_the_longest_answer_that_was_asked_for_ends_there(client: Client, upstream: Upstream) -> None:
    for model in WAYS:
        upstream.behave(UPSTREAM_MODEL[model], "chunks:40")

        answer = client.ask(model, max_tokens=3)

        assert answer.json()["stop_reason"] == "max_tokens"
        assert upstream.calls[-1].body["max_tokens"] == 3


def test_each_is_asked_in_its_own_words(client: Client, upstream: Upstream) -> None:
    fields: dict[str, Any] = {"system": "Be brief.", "stop_sequences": ["END"], "tools": [_WEATHER], "top_k": 3}
    client.ask(NATIVE, **fields, metadata={"user_id": "u1", "component": "tests"})
    client.ask(TRANSLATED, **fields, metadata={"user_id": "u1", "component": "tests"})

    native, chat = upstream.calls
    assert (native.path, chat.path) == ("/v1/messages", "/v1/chat/completions")
    assert native.headers["x-api-key"] == SECRET
    assert native.headers["anthropic-version"]
    assert "authorization" not in native.headers
    assert native.body == {
        "model": UPSTREAM_MODEL[NATIVE],
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "Hello"}],
        "metadata": {"user_id": "u1"},
        **fields,
    }
    assert chat.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert (chat.body["stop"], chat.body["user"], chat.body["top_k"]) == (["END"], "u1", 3)
    assert {row.component for row in map(_row_named, WAYS)} == {"tests"}
    assert set(AttemptRow.objects.values_list("transport", flat=True)) == {"relay"}


def _row_named(model: str) -> RequestRow:
    row = eventually(lambda: RequestRow.objects.filter(requested_model=model).first())
    assert row is not None
    return row


def test_usage_that_is_none_is_counted(client: Client, upstream: Upstream) -> None:
    answers = []
    for model in WAYS:
        for fault in _UNUSABLE_USAGE:
            upstream.behave(UPSTREAM_MODEL[model], f"chunks:40+{fault}")
            answers += [(fault, client.ask(model, stream=stream)) for stream in (False, True)]

    charged = 0
    for fault, answer in answers:
        row = row_of(answer)
        said = count_tokens(content_in(answer)[0]["text"])
        told = (row.billing_basis, row.prompt_tokens, row.completion_tokens)
        assert told == ("counted", _PROMPT, said), (row.requested_model, fault, row.streamed)
        assert row.charged_nano == (_PROMPT + said) * NANO_PER_TOKEN
        charged += row.charged_nano
        if row.streamed:
            assert events_in(answer)[-2]["usage"]["output_tokens"] == said
    assert spent() == charged
    books_balance()


def test_a_fault_before_the_answer_is_free_and_told_in_anthropics_words(
    client: Client, upstream: Upstream, settings: Settings
) -> None:
    settings.UPSTREAM_RETRIES = 0
    answers = []
    for model in WAYS:
        for fault, status in {**_BEFORE_THE_ANSWER, **_PLAIN}.items():
            upstream.behave(UPSTREAM_MODEL[model], fault)
            streams = (False, True) if fault in _BEFORE_THE_ANSWER else (False,)
            answers += [((model, fault, stream), status, client.ask(model, stream=stream)) for stream in streams]

    for what, status, answer in answers:
        assert answer.status_code == status, (what, answer.text)
        _assert_error(answer.json(), answer)
        row = row_of(answer)
        assert (row.billing_basis, row.charged_nano, row.http_status) == ("void", 0, status), what
    assert spent() == 0
    books_balance()


def _assert_error(told: dict[str, Any], answer: httpx.Response) -> None:
    assert (told["type"], told["request_id"]) == ("error", answer.headers["x-request-id"])
    assert told["error"]["type"].endswith("_error")
    assert told["error"]["message"]
    assert not any(secret in json.dumps(told) for secret in (SECRET, "127.0.0.1", *UPSTREAM_MODEL.values()))


def test_a_fault_in_mid_stream_is_free_and_never_looks_complete(client: Client, upstream: Upstream) -> None:
    answers = []
    for model in WAYS:
        for fault in _IN_A_STREAM:
            upstream.behave(UPSTREAM_MODEL[model], f"chunks:40:0.005+{fault}")
            answers.append((model, fault, client.ask(model, stream=True)))

    # Where the fault comes with what is before it in one piece, nothing has begun yet.
    begun = [(model, fault, answer) for model, fault, answer in answers if answer.status_code == 200]
    assert {model for model, *_ in begun} == set(WAYS)
    for model, fault, answer in begun:
        events = events_in(answer)
        assert events[-1]["type"] == "error", (model, fault)
        _assert_error(events[-1], answer)
        assert not any(event["type"] in ("message_stop", "message_delta") for event in events)
    for model, fault, answer in answers:
        row = row_of(answer)
        assert (row.status, row.billing_basis, row.charged_nano) == ("failed", "void", 0), (model, fault)
    assert spent() == 0
    expense = -sum(entry.amount for entry in Entry.objects.filter(account__code="expense:upstream"))
    assert expense > 0
    books_balance()


def test_odd_but_whole_streams_are_whole(client: Client, upstream: Upstream) -> None:
    for model in WAYS:
        for fault in ("crlf", "comments", "fragmented", "chunks:40"):
            upstream.behave(UPSTREAM_MODEL[model], fault)

            answer = client.ask(model, stream=True)

            assert events_in(answer)[-1] == {"type": "message_stop"}, (model, fault)
            assert row_of(answer).status == "succeeded"
