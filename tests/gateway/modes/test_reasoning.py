"""X-Routing-Mode: reasoning: steps, then an answer; one request, one hold, one charge, a row for each call."""

import pytest

from credits.models import Entry, Hold
from gateway.modes.prompts import READY
from gateway.stored_receipts import receipt_of
from tests.gateway.modes.conftest import Ask, events, rows, said, spent
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_SAID = ("says:First, what is known.", "says:Then this.", f"says:And so that.\n{READY}", "says:The answer.")


def test_a_stream_says_the_steps_as_reasoning_and_then_the_answer(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", *_SAID)

    answer = ask(stream=True, stream_options={"include_usage": True})

    assert answer.status_code == 200, answer.text
    assert said(answer, "reasoning_content") == "First, what is known.\n\nThen this.\n\nAnd so that."
    assert said(answer, "content") == "The answer."
    assert answer.text.endswith("data: [DONE]\n\n")
    told = events(answer)
    whole, parts = rows(4)
    assert {(event["id"], event["model"], event["object"]) for event in told} == {
        (f"chatcmpl-{whole.pk.hex}", "m1", "chat.completion.chunk")
    }
    usage = told[-1]["usage"]
    assert usage["completion_tokens"] == sum(part.completion_tokens for part in parts) == 14
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 12}
    assert usage["inner_calls"] == 4
    assert float(usage["cost_credits"]) * 1e9 == pytest.approx(spent())


def test_a_plain_answer_has_the_steps_beside_it(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", *_SAID)

    answer = ask()

    assert answer.status_code == 200, answer.text
    message = answer.json()["choices"][0]["message"]
    assert message["content"] == "The answer."
    assert message["reasoning_content"] == "First, what is known.\n\nThen this.\n\nAnd so that."
    assert answer.json()["usage"]["inner_calls"] == 4
    assert answer.headers["x-ops-attempts"] == "4"
    assert float(answer.headers["x-ops-cost-credits"]) * 1e9 == pytest.approx(spent())


def test_every_call_has_a_row_under_the_one_request_and_its_part_of_the_one_charge(
    ask: Ask, upstream: Upstream
) -> None:
    upstream.behave("test-model", *_SAID)

    answer = ask(metadata={"component": "mine"})

    whole, parts = rows(4)
    assert str(whole.pk) == answer.headers["x-request-id"]
    assert (whole.component, whole.routing_path, whole.requested_model) == ("mine", "reasoning", "m1")
    assert (whole.charged_nano, whole.prompt_tokens, whole.completion_tokens, whole.attempts) == (0, 0, 0, 0)
    assert [(part.component, part.operation) for part in parts] == [
        *[("reasoning-agent", "step_generation")] * 3,
        ("reasoning-agent", "synthesis"),
    ]
    assert {(part.model, part.attempts, part.status, part.created_at) for part in parts} == {
        ("m1", 1, "succeeded", whole.created_at)
    }
    assert Hold.objects.get().pk == whole.pk
    assert Entry.objects.filter(account__kind="wallet", journal__idempotency_key=f"usage:{whole.pk}").count() == 1
    assert all(part.charged_nano > 0 for part in parts)
    assert sum(part.charged_nano for part in parts) == spent() == Hold.objects.get().captured
    for row in (whole, *parts):
        assert receipt_of(row).contradictions == ()
        assert receipt_of(row).due_nano == (spent() if row is whole else row.charged_nano)
