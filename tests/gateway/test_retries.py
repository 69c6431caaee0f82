"""A call is tried again where its providers may have recovered: for nothing until one answers, and not for ever."""

import time

import pytest
from pytest_django.fixtures import Settings

from credits.models import Hold
from gateway import retries
from gateway.models import AttemptRow, RequestRow
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

CREDITS_NANO = 1000 * 10**9


@pytest.fixture(autouse=True)
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPSTREAM_RETRIES = 3
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    """Bob's; model m1 is served by the upstream at $2 per 1M tokens."""

    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(on_server(server, "test-model"), input_price="2", max_output_tokens=4000)
        return key_of(person("bob", "LLM user", credits_nano=CREDITS_NANO)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


def charged() -> int:
    return CREDITS_NANO - wallet(User.objects.get(username="bob")).posted


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_recovers_is_asked_until_it_answers(
    serving: InProcess, key: str, upstream: Upstream, *, stream: bool
) -> None:
    upstream.behave("test-model", "status-503:0", "status-500", "status-429:0", "ok")
    answer = serving.chat(key, model="m1", max_tokens=20, stream=stream)

    assert (answer.status_code, answer.headers["x-ops-attempts"]) == (200, "4"), answer.text
    eventually(RequestRow.objects.exists)
    row = RequestRow.objects.get()
    assert (row.status, row.attempts, row.charged_nano) == ("succeeded", 4, charged())
    outcomes = AttemptRow.objects.order_by("n").values_list("outcome", flat=True)
    assert list(outcomes) == ["servererror", "servererror", "ratelimited", "answered"]


def test_one_that_does_not_is_asked_so_often_and_no_more_and_the_call_is_free(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    upstream.behave("test-model", "status-503:0")
    answer = serving.chat(key, model="m1", max_tokens=20)

    assert answer.status_code == 502, answer.text
    assert len(upstream.calls) == 4
    assert (Hold.objects.get().state, charged()) == ("VOIDED", 0)


def test_however_often_it_tries_a_call_is_one_witness_against_a_provider(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.BREAKER_FAILURES = 2
    upstream.behave("test-model", "status-503:0")
    serving.chat(key, model="m1", max_tokens=20)
    assert serving.runtime.breaker.states() == {next(iter(serving.runtime.breaker.states())): "closed"}

    serving.chat(key, model="m1", max_tokens=20)
    assert set(serving.runtime.breaker.states().values()) == {"open"}
    # Of the second call's tries the first opened it.
    assert len(upstream.calls) == 5


@pytest.mark.parametrize("fault", ["status-401", "status-404", "status-400", "garbage-json", "status-429:60"])
def test_what_does_not_pass_soon_is_not_asked_again(
    serving: InProcess, key: str, upstream: Upstream, fault: str
) -> None:
    upstream.behave("test-model", fault)
    answer = serving.chat(key, model="m1", max_tokens=20)

    assert answer.status_code >= 400
    assert len(upstream.calls) == 1
    assert charged() == 0


def test_of_several_only_those_are_asked_again_that_may_have_recovered(
    alice: Api, serving: InProcess, key: str, upstream: Upstream
) -> None:
    server = alice.server(name="both", base_url=upstream.origin)
    alice.model(on_server(server, "refusing", priority=0), on_server(server, "failing", priority=1), name="m2")
    serving.sees_changes()
    upstream.behave("refusing", "status-401")
    upstream.behave("failing", "status-503:0", "status-503:0", "ok")

    assert serving.chat(key, model="m2", max_tokens=20).status_code == 200
    assert [call.model for call in upstream.calls] == ["refusing", "failing", "failing", "failing"]


def test_a_provider_is_given_the_time_it_asks_for(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", "status-429:1", "ok")
    began = time.monotonic()

    assert serving.chat(key, model="m1", max_tokens=20).status_code == 200
    assert time.monotonic() - began >= 1


def test_a_call_that_is_left_in_a_pause_is_not_tried_again_and_is_free(
    serving: InProcess, key: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 1.0)
    upstream.behave("test-model", "status-503:0", "ok")
    serving.leave(key, model="m1", max_tokens=20, once=lambda: any(call.ended for call in upstream.calls))

    eventually(RequestRow.objects.exists)
    assert (Hold.objects.get().state, charged(), len(upstream.calls)) == ("VOIDED", 0, 1)
