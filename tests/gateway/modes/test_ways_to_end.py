"""Every way in which a call of several calls ends, and what is charged for it."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from credits.ledger.moves import Beat
from credits.models import Hold
from gateway.models import IdempotentCall, RequestRow
from gateway.modes.prompts import READY
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.modes.conftest import Ask, events, rows, said, spent
from tests.gateway.people import wallet
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_STEP, _LAST = "says:A thought.", f"says:The last one. {READY}"
_STREAMS = pytest.mark.parametrize("stream", [False, True])


def _error(answer: Any, *, stream: bool) -> dict[str, Any]:
    body = events(answer)[-1] if stream else answer.json()
    error: dict[str, Any] = body["error"]
    return error


@_STREAMS
def test_a_step_goes_to_the_next_deployment_where_one_fails(ask: Ask, upstream: Upstream, stream: bool) -> None:
    upstream.behave("test-model", _STEP, "status-500", _LAST, "says:The answer.")
    upstream.behave("spare-model", _STEP)

    answer = ask(stream=stream)

    assert answer.status_code == 200
    _, parts = rows(4)
    assert [part.attempts for part in parts] == [1, 2, 1, 1]
    assert sum(part.charged_nano for part in parts) == spent() > 0


@pytest.mark.parametrize(("fault", "stream"), [("status-500", False), ("status-500", True), ("status-400", False)])
def test_what_fails_in_a_step_is_free_and_what_had_been_used_the_operators(
    ask: Ask, upstream: Upstream, settings: Settings, fault: str, stream: bool
) -> None:
    settings.UPSTREAM_RETRIES = 0
    upstream.behave("test-model", _STEP, fault)
    upstream.behave("spare-model", fault)
    status, code = (400, "upstream_rejected") if fault == "status-400" else (502, "upstream_error")

    answer = ask(stream=stream)

    assert answer.status_code == (200 if stream else status)
    assert code in _error(answer, stream=stream).values()
    assert "[DONE]" not in answer.text
    whole, parts = rows(2)
    assert (whole.status, whole.billing_basis, whole.error_code) == ("failed", "void", code)
    assert [(part.status, part.charged_nano) for part in parts] == [("succeeded", 0), ("failed", 0)]
    assert parts[0].expense_nano > 0
    assert spent() == 0


def test_steps_that_were_heard_are_charged_where_the_request_itself_is_at_fault(ask: Ask, upstream: Upstream) -> None:
    """Only the answer has its format: steps would be had for nothing by asking for one that there isn't."""
    upstream.behave("test-model", _LAST, "status-400")

    answer = ask(stream=True, response_format={"type": "no such format"})

    assert said(answer, "reasoning_content") == "The last one."
    assert _error(answer, stream=True)["code"] == "upstream_rejected"
    whole, parts = rows(2)
    assert (whole.status, whole.error_code) == ("failed", "upstream_rejected")
    assert [part.status for part in parts] == ["succeeded", "failed"]
    assert parts[0].charged_nano == spent() > 0


def test_an_answer_that_breaks_off_is_free_whatever_steps_it_had(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", _LAST, "reset-mid-stream:5")

    answer = ask(stream=True)

    assert said(answer, "reasoning_content") == "The last one."
    assert said(answer, "content")
    assert _error(answer, stream=True)["type"] == "upstream_error"
    _, parts = rows(2)
    assert all(part.expense_nano > 0 for part in parts)
    assert spent() == 0


@pytest.mark.parametrize(("gates", "calls"), [(("gate:3",), 1), ((_LAST, "gate:3"), 2)])
def test_a_client_that_leaves_pays_for_what_came_and_no_other_call_begins(
    serving: InProcess, key: str, upstream: Upstream, gates: tuple[str, ...], calls: int
) -> None:
    upstream.behave("test-model", *gates)
    body = {"model": "m1", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}

    serving.leave_call(key, body, {"X-Routing-Mode": "reasoning"}, once=lambda: _sent(upstream, calls))
    upstream.release()

    whole, parts = rows(calls)
    assert (whole.status, [part.status for part in parts][-1]) == ("disconnected", "disconnected")
    assert sum(part.charged_nano for part in parts) == spent() > 0
    assert len(upstream.calls) == calls


def _sent(upstream: Upstream, calls: int) -> bool:
    made = upstream.calls
    return len(made) == calls and made[-1].events_sent >= 3


def test_who_leaves_under_an_idempotency_key_finds_the_whole_answer(
    serving: InProcess, key: str, ask: Ask, upstream: Upstream
) -> None:
    upstream.behave("test-model", "gate:3+says:One two three.", _LAST, "says:The answer.")
    body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}], "stream": True}
    sent = {"X-Routing-Mode": "reasoning", "Idempotency-Key": "one"}

    serving.leave_call(key, body, sent, once=lambda: _sent(upstream, 1))
    upstream.release()
    eventually(lambda: IdempotentCall.objects.exclude(answer="").exists())
    rows(3)
    again = ask(stream=True, headers={"Idempotency-Key": "one"})

    assert again.headers["idempotent-replayed"] == "true"
    assert said(again, "reasoning_content") == "One two three.\n\nThe last one."
    assert said(again, "content") == "The answer."
    assert again.text.endswith("data: [DONE]\n\n")
    assert len(upstream.calls) == 3


@_STREAMS
def test_the_same_idempotency_key_is_answered_once(ask: Ask, upstream: Upstream, stream: bool) -> None:
    first, again = (ask(stream=stream, headers={"Idempotency-Key": "one"}) for _ in range(2))

    assert first.status_code == 200
    assert again.content == first.content
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert len(upstream.calls) == 4


def test_what_the_hold_does_not_cover_any_more_is_not_begun(ask: Ask, upstream: Upstream) -> None:
    """A provider that says far more than it was asked for, and bills it, leaves nothing for what would hear it."""
    upstream.behave("test-model", "usage:10:100000", "says:The answer.")

    answer = ask(max_tokens=100)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "budget_exhausted")
    assert answer.json()["error"]["details"]["call"] == 2
    whole, parts = rows(1)
    assert (whole.status, parts[0].status) == ("failed", "succeeded")
    assert spent() == 0


@pytest.mark.parametrize(("bills", "charged"), [("", True), ("+usage:10:100000", False)])
def test_steps_that_were_heard_are_charged_where_they_are_longer_than_planned_for_unless_a_provider_bills_too_much(
    ask: Ask, upstream: Upstream, settings: Settings, bills: str, charged: bool
) -> None:
    """A token may be many bytes."""
    settings.REASONING_STEP_TOKENS, settings.REASONING_STEPS = 300, 1
    upstream.behave("test-model", f"says:{'long' * 10_000}{bills}", "says:The answer.")

    answer = ask(stream=True, max_tokens=1)

    assert _error(answer, stream=True)["code"] == "budget_exhausted"
    assert ("Nothing is charged" in _error(answer, stream=True)["message"]) is not charged
    rows(1)
    assert (spent() > 0) is charged


def test_half_an_emoji_in_a_step_is_as_long_as_any_other_text(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", f"says:Half \ud83d of it. {READY}", "says:The answer.")

    answer = ask()

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["reasoning_content"] == "Half \ud83d of it."


def test_more_than_what_is_held_is_never_charged(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", _LAST, "usage:10:100000")

    answer = ask(max_tokens=100)

    assert answer.status_code == 200
    whole, parts = rows(2)
    assert spent() == whole.held_nano == sum(part.charged_nano for part in parts)
    assert parts[1].overrun_nano > 0


@_STREAMS
def test_max_cost_makes_every_call_shorter_and_bounds_them_all(ask: Ask, upstream: Upstream, stream: bool) -> None:
    upstream.behave("test-model", "chunks:5000")
    whole_nano = _held_for(ask)

    answer = ask(stream=stream, max_cost=whole_nano / 2 / 1e9)

    assert answer.status_code == 200
    whole, _ = rows(4, calls=2)
    assert 0 < whole.held_nano <= whole_nano / 2


def _held_for(ask: Ask) -> int:
    ask()
    eventually(lambda: RequestRow.objects.filter(parent_id=None).exists())
    return RequestRow.objects.get(parent_id=None).held_nano


def test_a_max_cost_below_the_shortest_is_refused_before_anybody_is_asked(ask: Ask, upstream: Upstream) -> None:
    answer = ask(max_cost=0.000001)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "max_cost_exceeded")
    assert len(upstream.calls) == 0
    whole, _ = rows(0)
    assert whole.status == "refused"


def test_a_wallet_that_covers_less_makes_the_answer_shorter_and_an_empty_one_refuses(
    ask: Ask, upstream: Upstream
) -> None:
    upstream.behave("test-model", "chunks:5000")
    most = _held_for(ask)
    _leave_in_wallet(most * 2 // 3)

    short = ask()
    left = wallet(User.objects.get(username="bob")).posted
    refused = ask()

    assert short.status_code == 200
    assert left >= 0
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "insufficient_credits")
    assert len(upstream.calls) == 8


def _leave_in_wallet(nano: int) -> None:
    from credits.services import grants

    eventually(lambda: not Hold.objects.filter(state="HELD").exists())
    account = wallet(User.objects.get(username="bob"))
    grants.adjust(account=account, amount_nano=nano - account.posted, reason="for the test")


def test_a_dead_worker_leaves_what_its_last_heartbeat_said(
    serving: InProcess, ask: Ask, key: str, upstream: Upstream, settings: Settings
) -> None:
    """The checkpoint is what ended calls cost and the running one has come to."""
    upstream.behave("test-model", _LAST, "gate:3")
    body = {"model": "m1", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}
    beats: list[Beat] = []

    def beat() -> bool:
        beats[:] = [one.beat() for one in serving.runtime.inflight._exchanges.values()]
        return bool(beats) and _sent(upstream, 2) and beats[0].delivered_tokens > 3

    serving.leave_call(key, body, {"X-Routing-Mode": "reasoning"}, once=beat)
    upstream.release()

    whole, parts = rows(2)
    assert beats[0].hold_id == whole.pk
    assert parts[0].charged_nano < beats[0].checkpoint_amount < whole.held_nano
    assert beats[0].dispatched_at is not None
