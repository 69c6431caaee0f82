"""What is charged at each way in which a call can end, exact to the nanocredit."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Entry, Hold
from gateway.counting import count_prompt, count_tokens
from gateway.models import AttemptRow, RequestRow
from gateway.stored_receipts import receipt_of
from gateway.usage.check import Days, check
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True)

# m1 costs $2 per 1M tokens either way, at 1000 credits per USD and without markup.
_NANO_PER_TOKEN = 2_000_000
_GIVEN = 1000 * 10**9


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(on_server(server, "test-model"), input_price="2", max_output_tokens=4000)
        alice.model(on_server(server, "free-model"), name="gratis")
        return key_of(person("bob", "LLM user", credits_nano=_GIVEN)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


def _row(answer: httpx.Response) -> RequestRow:
    """The request's row, once all is written; the ledger must add up by then, and the receipt with it."""
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert not Hold.objects.filter(state="HELD").exists()
    assert list(checker.check()) == []
    days = Days(row.created_at.date(), row.created_at.date(), timedelta(minutes=-1))
    # Another call of the test may have ended just now, whose row is still on its way.
    eventually(lambda: check(days) == [], what=lambda: str(check(days)))
    assert receipt_of(row).contradictions == ()
    return row


def _spent() -> int:
    return _GIVEN - wallet(User.objects.get(username="bob")).posted


def _events(answer: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in answer.text.splitlines() if line]


def _text(answer: httpx.Response) -> str:
    chunks = [json.loads(event) for event in _events(answer) if event != "[DONE]"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_provider_reports_is_charged(serving: InProcess, key: str, upstream: Upstream, stream: bool) -> None:
    upstream.behave("test-model", "usage:11:7")

    answer = serving.chat(key, model="m1", stream=stream)

    row = _row(answer)
    assert (row.status, row.billing_basis, row.charged_nano) == ("succeeded", "provider", 18 * _NANO_PER_TOKEN)
    assert (row.prompt_tokens, row.completion_tokens, row.http_status) == (11, 7, 200)
    assert _spent() == row.charged_nano
    assert AttemptRow.objects.get(request_id=row.pk).usage_source == "provider"


@pytest.mark.once
@pytest.mark.parametrize("fault", ["no-usage", "wrong-usage:huge", "wrong-usage:negative", "wrong-usage:list"])
def test_a_stream_without_a_usable_usage_is_counted(
    serving: InProcess, key: str, upstream: Upstream, fault: str
) -> None:
    upstream.behave("test-model", f"chunks:40+{fault}")

    answer = serving.chat(key, model="m1", stream=True)

    row = _row(answer)
    said = count_tokens(_text(answer))
    asked = count_prompt([{"role": "user", "content": "Hello"}])
    assert said > 40
    assert (row.billing_basis, row.completion_tokens, row.prompt_tokens) == ("counted", said, asked)
    assert _spent() == row.charged_nano == (said + asked) * _NANO_PER_TOKEN


def test_a_plain_answer_without_usage_is_counted(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "chunks:40+no-usage")

    answer = serving.chat(key, model="m1")

    row = _row(answer)
    said = count_tokens(answer.json()["choices"][0]["message"]["content"])
    assert (row.billing_basis, row.completion_tokens) == ("counted", said)
    assert answer.headers["x-ops-cost-credits"] == f"{row.charged_nano / 10**9:g}"


def test_a_report_above_the_hold_is_charged_up_to_it(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "usage:10:100000")

    row = _row(serving.chat(key, model="m1", max_tokens=10))

    assert _spent() == row.charged_nano == row.held_nano
    overrun = -sum(entry.amount for entry in Entry.objects.filter(account__code="expense:overrun"))
    assert overrun == 100_010 * _NANO_PER_TOKEN - row.held_nano


@pytest.mark.once
@pytest.mark.parametrize(
    "fault", ["reset-mid-stream:5", "eof-mid-stream:5", "garbage-sse:5", "non-utf8:5", "error-event:5"]
)
def test_an_upstream_that_fails_in_mid_stream_is_free_and_the_operators(
    serving: InProcess, key: str, upstream: Upstream, fault: str
) -> None:
    upstream.behave("test-model", f"chunks:40:0.01+{fault}")

    answer = serving.chat(key, model="m1", stream=True)

    events = _events(answer)
    assert "error" in json.loads(events[-1])
    assert "[DONE]" not in events
    row = _row(answer)
    assert (row.status, row.billing_basis, row.charged_nano, _spent()) == ("failed", "void", 0, 0)
    expense = -sum(entry.amount for entry in Entry.objects.filter(account__code="expense:upstream"))
    assert expense == (row.prompt_tokens + row.completion_tokens) * _NANO_PER_TOKEN > 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_free_model_leaves_a_row_and_no_journal(serving: InProcess, key: str, stream: bool) -> None:
    before = Entry.objects.count()

    row = _row(serving.chat(key, model="gratis", stream=stream))

    assert (row.billing_basis, row.held_nano, row.charged_nano) == ("free", 0, 0)
    assert row.completion_tokens > 0
    assert Entry.objects.count() == before


@pytest.mark.parametrize("fields", [{}, {"max_tokens": 2000}])
def test_a_free_deployment_is_open_to_who_can_not_pay_for_its_fallback(
    serving: InProcess, alice: Api, key: str, upstream: Upstream, fields: dict[str, Any]
) -> None:
    server = alice.server(name="priced", base_url=upstream.origin)
    alice.model(on_server(server, "y"), on_server(server, "test-model", priority=1, input_price="2"), name="mixed")
    poor = key_of(person("carol", "LLM user")).plaintext
    serving.sees_changes()

    upstream.behave("y", "usage:11:7")
    served = serving.chat(poor, model="mixed", **fields)
    upstream.behave("y", "status-500")
    failed = serving.chat(poor, model="mixed", **fields)

    assert served.status_code == 200
    assert (_row(served).billing_basis, _row(served).held_nano) == ("free", 0)
    assert failed.status_code == 502
    assert _row(failed).attempts == 1


def test_the_cost_is_told_on_streams_to_those_who_asked(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "usage:11:7")

    told = _events(serving.chat(key, model="m1", stream=True, stream_options={"include_usage": True}))
    untold = _events(serving.chat(key, model="m1", stream=True))

    usage: dict[str, Any] = json.loads(told[-2])["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["cost_credits"]) == (11, 7, "0.036")
    assert not any(json.loads(event).get("usage") for event in untold[:-1])
    assert told[-1] == untold[-1] == "[DONE]"


@pytest.mark.once
def test_a_bug_of_ours_in_mid_stream_is_told_and_free(
    serving: InProcess, key: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise KeyError("secret of the inside")

    monkeypatch.setattr("gateway.endpoints.chat.ChatSpeaker.forward", broken)

    answer = serving.chat(key, model="m1", stream=True)

    (told,) = _events(answer)
    assert json.loads(told)["error"]["type"] == "server_error"
    assert "secret" not in told
    row = _row(answer)
    assert (row.status, row.billing_basis, row.charged_nano, _spent()) == ("failed", "void", 0, 0)


@pytest.mark.once
def test_a_bug_of_ours_in_a_plain_answer_is_as_free(
    serving: InProcess, key: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise KeyError("secret of the inside")

    monkeypatch.setattr("gateway.endpoints.chat.ChatSpeaker.plain", broken)

    answer = serving.chat(key, model="m1")

    assert (answer.status_code, answer.json()["error"]["type"], "secret" in answer.text) == (500, "server_error", False)
    row = _row(answer)
    assert (row.status, row.billing_basis, row.charged_nano, _spent()) == ("failed", "void", 0, 0)
    assert row.expense_nano > 0


@pytest.mark.once
def test_a_prompt_is_counted_once_however_often_it_is_asked_for(
    serving: InProcess, key: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Any] = []

    def count(messages: Any) -> int:
        counted.append(messages)
        return 3

    monkeypatch.setattr("gateway.endpoints.chat.count_prompt", count)
    upstream.behave("test-model", "chunks:40+no-usage")

    answer = serving.chat(key, model="m1", stream=True, stream_options={"include_usage": True})

    assert json.loads(_events(answer)[-2])["usage"]["prompt_tokens"] == _row(answer).prompt_tokens == 3
    assert len(counted) == 1


@pytest.mark.once
def test_each_candidate_has_its_share_of_the_time(
    serving: InProcess, alice: Api, key: str, upstream: Upstream, settings: Settings
) -> None:
    server = alice.server(name="slow", base_url=upstream.origin)
    alice.model(on_server(server, "slow-model"), on_server(server, "test-model", priority=1), name="m2")
    serving.sees_changes()
    upstream.behave("slow-model", "slow-first-byte:5")
    upstream.behave("test-model", "slow-first-byte:5")
    settings.REQUEST_TIMEOUT_S = 0.6

    answer = serving.chat(key, model="m2")

    assert answer.status_code == 504
    assert _row(answer).attempts == 2
    assert {attempt.outcome for attempt in AttemptRow.objects.all()} == {"timeout"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_fallback_has_time_to_answer_where_the_primary_never_does(
    serving: InProcess, alice: Api, key: str, upstream: Upstream, settings: Settings, stream: bool
) -> None:
    server = alice.server(name="hung", base_url=upstream.origin)
    alice.model(on_server(server, "slow-model"), on_server(server, "test-model", priority=1), name="m2")
    serving.sees_changes()
    upstream.behave("slow-model", "slow-first-byte:60")
    settings.REQUEST_TIMEOUT_S = 3.0

    answer = serving.chat(key, model="m2", stream=stream)

    assert (answer.status_code, answer.headers["x-ops-attempts"]) == (200, "2")


def test_a_client_that_stops_reading_pays_for_what_it_got_and_holds_nothing_for_ever(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inflight._UNREAD_S", 0.1)
    settings.REQUEST_TIMEOUT_S = 0.5
    upstream.behave("test-model", "chunks:4000:0.001")

    request_id = serving.run(_read_no_further(key))

    row = eventually(lambda: RequestRow.objects.filter(pk=request_id).first())
    assert row is not None
    assert (row.status, row.billing_basis) == ("disconnected", "counted")
    assert _spent() == row.charged_nano > 0
    assert serving.runtime.inflight.count == 0
    assert serving.runtime.breaker.states() == {}


def test_an_answer_that_outlasts_its_time_is_charged_as_far_as_it_was_delivered(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.REQUEST_TIMEOUT_S = 0.8
    upstream.behave("test-model", "chunks:4000:0.02+ignore-max-tokens")

    answer = serving.chat(key, model="m1", stream=True)

    events = _events(answer)
    assert "longer than this gateway waits" in events[-1]
    row = _row(answer)
    assert (row.status, row.billing_basis) == ("failed", "counted")
    assert _spent() == row.charged_nano > 0


def test_an_answer_longer_than_asked_for_is_cut_and_charged_at_most_what_was_held(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    upstream.behave("test-model", "chunks:3000+ignore-max-tokens")

    answer = serving.chat(key, model="m1", stream=True, max_tokens=5)

    assert "longer than what was asked for" in _events(answer)[-1]
    row = _row(answer)
    assert (row.status, row.billing_basis) == ("failed", "counted")
    assert _spent() == row.charged_nano == row.held_nano > 0


async def _read_no_further(key: str) -> str:
    """Ask for a stream, take its first part, then nothing; returns the request's id when the gateway gives up."""
    from opscenter.asgi import application

    body = json.dumps({"model": "m1", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
    }
    asked = asyncio.Event()
    headers: dict[bytes, bytes] = {}
    parts = 0

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": body}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal parts
        headers.update(message.get("headers", ()))
        parts += "body" in message
        if parts > 1:
            await asyncio.Event().wait()

    await asyncio.wait_for(application(scope, receive, send), 60)
    return headers[b"x-request-id"].decode()
