"""A request of several calls counts as one, and is as quick, as long and as dear as one may be."""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from gateway.modes.prompts import READY
from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.gateway.in_process import InProcess
from tests.gateway.modes.conftest import Ask, events, rows, said, spent
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def _asked(serving: InProcess, key: str, **fields: Any) -> Any:
    body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}], **fields}
    sent = {"X-Routing-Mode": "reasoning"}
    return serving.call("POST", "/v1/chat/completions", key=key, content=json.dumps(body).encode(), headers=sent)


def test_a_limit_of_requests_counts_it_once(serving: InProcess, key: str) -> None:
    limited = key_of(User.objects.get(username="bob"), limits=Limits(rpm=1, concurrency=1)).plaintext
    serving.sees_changes()

    first, second = _asked(serving, limited), _asked(serving, limited)

    assert (first.status_code, first.headers["x-ratelimit-remaining-requests"]) == (200, "0")
    assert (second.status_code, second.json()["error"]["details"]["limit"]) == (429, "rpm")


def test_a_limit_of_tokens_makes_it_shorter(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "chunks:5000")
    limited = key_of(User.objects.get(username="bob"), limits=Limits(tpm=33_000)).plaintext
    serving.sees_changes()

    answer = _asked(serving, limited)

    assert answer.status_code == 200
    assert upstream.calls[-1].body["max_tokens"] < 4000
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) >= 0


def test_who_can_not_pay_is_answered_by_what_is_free(
    serving: InProcess, alice: Api, key: str, upstream: Upstream
) -> None:
    server = alice.server(name="both", base_url=upstream.origin)
    alice.model(
        on_server(server, "dear-model", input_price="2"), on_server(server, "free-model", priority=1), name="mixed"
    )
    poor = key_of(person("carol", "LLM user")).plaintext
    serving.sees_changes()

    answer = _asked(serving, poor, model="mixed")

    assert answer.status_code == 200
    assert {call.model for call in upstream.calls} == {"free-model"}
    whole, _ = rows(4)
    assert (whole.held_nano, whole.billing_basis) == (0, "free")


@pytest.mark.parametrize("calls", [1, 2])
def test_the_time_of_a_request_is_that_of_all_its_calls(
    serving: InProcess, ask: Ask, upstream: Upstream, settings: Settings, calls: int
) -> None:
    """What had been said by then is charged, as of one call."""
    settings.REQUEST_TIMEOUT_S = 1
    upstream.behave("test-model", *[f"says:A thought. {READY}"] * (calls - 1), "endless:0.05")

    answer = ask(stream=True)

    assert said(answer, "content" if calls == 2 else "reasoning_content")
    assert events(answer)[-1]["error"]["code"] == "upstream_error"
    whole, parts = rows(calls)
    assert (whole.status, parts[-1].status) == ("failed", "failed")
    assert sum(part.charged_nano for part in parts) == spent() > 0


def test_who_left_is_waited_for_no_longer_than_for_one_call_and_pays_what_was_said(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.DRAIN_S = 0.2
    upstream.behave("test-model", f"says:A thought. {READY}", "stall-mid-stream:3")
    body = {"model": "m1", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}

    def is_said() -> bool:
        made = upstream.calls
        return len(made) == 2 and made[-1].events_sent >= 3

    serving.leave_call(key, body, {"X-Routing-Mode": "reasoning"}, once=is_said)

    whole, parts = rows(2)
    assert (whole.status, parts[-1].billing_basis) == ("disconnected", "counted")
    assert sum(part.charged_nano for part in parts) == spent() > 0
