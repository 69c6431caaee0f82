"""Limits on whole calls: of key, user, tier and deployment, and what comes back however a call ends."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Hold, Tier
from gateway.models import AttemptRow, RequestRow
from opscenter.core import changes
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


class Clock:
    """In the middle of a minute and of a second, until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, 30, 500_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serving(transactional_db: None, clock: Clock, settings: Settings) -> Iterator[InProcess]:
    settings.REDIS_URL = ""
    with InProcess(clock=clock) as gateway:
        yield gateway
        eventually(lambda: gateway.runtime.limits.open_leases == 0)


@pytest.fixture
def server(alice: Api, upstream: Upstream) -> Any:
    return replayed("server", lambda: alice.server(base_url=upstream.origin))


@pytest.fixture
def bob(serving: InProcess, alice: Api, server: Any) -> User:
    def make() -> User:
        alice.model(on_server(server, "test-model"), input_price="2", max_output_tokens=4000)
        return person("bob", "LLM user", credits_nano=10**15)

    bob = replayed(__name__, make)
    serving.sees_changes()
    return bob


Issue = Callable[..., str]


@pytest.fixture
def issue(bob: User) -> Issue:
    from opscenter.core.limits import Limits

    def issue(user: User = bob, **limits: int) -> str:
        return key_of(user, limits=Limits(**limits)).plaintext

    return issue


def statuses(serving: InProcess, key: str, calls: int, **fields: Any) -> list[int]:
    return [serving.chat(key, model="m1", **fields).status_code for _ in range(calls)]


@contextmanager
def calls_in_flight(serving: InProcess, upstream: Upstream, keys: list[str], model: str = "m1") -> Iterator[Any]:
    """A call by each key whose answer has begun and goes on until the end of the block."""
    upstream.behave("test-model", "gate:1")
    already = len(upstream.calls)
    with ThreadPoolExecutor(len(keys)) as pool:
        futures: list[Future[httpx.Response]] = [
            pool.submit(serving.chat, key, model=model, stream=True, max_tokens=20) for key in keys
        ]
        try:
            eventually(lambda: len(upstream.calls) == already + len(keys))
            upstream.behave("test-model", "ok")
            yield futures
        finally:
            upstream.release()
    assert [future.result().status_code for future in futures] == [200] * len(keys)


def test_a_key_makes_as_many_requests_a_minute_as_it_may(serving: InProcess, issue: Issue, clock: Clock) -> None:
    limited, other = issue(rpm=3), issue()
    assert statuses(serving, limited, 5) == [200, 200, 200, 429, 429]
    assert statuses(serving, other, 2) == [200, 200]
    assert serving.runtime.limits.refused == {("key", "rpm"): 2}
    clock.now += timedelta(seconds=60)
    assert statuses(serving, limited, 4) == [200, 200, 200, 429]


def test_a_call_after_retry_after_is_answered_and_one_a_second_before_is_not(
    serving: InProcess, issue: Issue, clock: Clock
) -> None:
    key = issue(rpm=1)
    assert statuses(serving, key, 1) == [200]
    clock.now += timedelta(seconds=17.2)
    refused = serving.chat(key, model="m1")
    wait = timedelta(seconds=int(refused.headers["retry-after"]))
    clock.now += wait - timedelta(seconds=1)
    assert statuses(serving, key, 1) == [429]
    clock.now += timedelta(seconds=1)
    assert statuses(serving, key, 1) == [200]


def test_a_refusal_says_which_limit_it_was_and_is_on_record(serving: InProcess, issue: Issue) -> None:
    key = issue(rpm=1)
    serving.chat(key, model="m1")
    refused = serving.chat(key, model="m1")
    error = refused.json()["error"]
    assert (refused.status_code, error["type"], error["code"]) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert error["details"] == {"limit_source": "key", "limit": "rpm", "value": 1}
    assert refused.headers["retry-after"] == "60" and "1 requests a minute" in error["message"]
    row = eventually(lambda: RequestRow.objects.filter(pk=refused.headers["x-request-id"]).first())
    assert row is not None
    assert (row.status, row.http_status, row.error_code) == ("refused", 429, "rate_limit_exceeded")
    assert not Hold.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("stream", [False, True])
def test_answers_say_what_is_left(serving: InProcess, issue: Issue, clock: Clock, stream: bool) -> None:
    key = issue(rpm=10, tpm=20_000)
    first = serving.chat(key, model="m1", max_tokens=50, stream=stream)
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-requests"] == "10"
    assert first.headers["x-ratelimit-remaining-requests"] == "9"
    assert first.headers["x-ratelimit-reset-requests"] == "1m0s"
    assert first.headers["x-ratelimit-limit-tokens"] == "20000"
    assert 19_000 < int(first.headers["x-ratelimit-remaining-tokens"]) < 19_950
    clock.now += timedelta(seconds=5)
    for _ in range(9):
        serving.chat(key, model="m1", max_tokens=50)
    clock.now += timedelta(seconds=5)
    refused = serving.chat(key, model="m1", max_tokens=50)
    assert refused.status_code == 429
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.headers["x-ratelimit-reset-requests"] == "55s"
    assert refused.headers["retry-after"] == "50"


def test_the_tightest_limit_is_told(serving: InProcess, bob: User, issue: Issue) -> None:
    bob.rpm = 3
    changes.save(bob)
    serving.sees_changes()
    answer = serving.chat(issue(rpm=10), model="m1")
    assert answer.headers["x-ratelimit-limit-requests"] == "3"
    assert answer.headers["x-ratelimit-remaining-requests"] == "2"


def test_who_has_no_limits_is_told_none(serving: InProcess, issue: Issue) -> None:
    answer = serving.chat(issue(), model="m1")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_a_user_has_one_limit_over_all_keys_and_a_refusal_uses_up_none_of_theirs(
    serving: InProcess, bob: User, issue: Issue, clock: Clock
) -> None:
    bob.rpm = 2
    changes.save(bob)
    first, second = issue(rpm=2), issue()
    serving.sees_changes()
    assert statuses(serving, second, 2) == [200, 200]
    assert statuses(serving, first, 3) == [429, 429, 429]
    assert serving.runtime.limits.refused == {("user", "rpm"): 3}
    bob.rpm = None
    changes.save(bob)
    serving.sees_changes()
    assert statuses(serving, first, 3) == [200, 200, 429]


def test_a_tier_limits_each_of_its_users_who_has_no_limit_of_their_own(
    serving: InProcess, bob: User, issue: Issue
) -> None:
    tier = Tier.objects.get(slug="free")
    tier.rpm = 2
    changes.save(tier)
    carol = person("carol", "LLM user", credits_nano=10**15)
    dave = person("dave", "LLM user", credits_nano=10**15, rpm=4)
    serving.sees_changes()
    assert statuses(serving, issue(), 3) == [200, 200, 429]
    assert statuses(serving, issue(carol), 3) == [200, 200, 429]
    assert statuses(serving, issue(dave), 5) == [200, 200, 200, 200, 429]


def test_tokens_that_a_call_did_not_use_are_free_when_it_has_ended(
    serving: InProcess, issue: Issue, upstream: Upstream, clock: Clock
) -> None:
    upstream.behave("test-model", "usage:100:150")
    key = issue(tpm=1500)
    for left in (1250, 1000, 750):
        assert statuses(serving, key, 1, max_tokens=400) == [200]
        refused = serving.chat(key, model="m1", max_tokens=1600)
        assert refused.headers["x-ratelimit-remaining-tokens"] == str(left)
    assert refused.json()["error"]["details"]["limit"] == "tpm"
    clock.now += timedelta(seconds=int(refused.headers["retry-after"]))
    assert statuses(serving, key, 1, max_tokens=400) == [200]


def test_a_call_that_names_no_maximum_gets_what_is_left(serving: InProcess, issue: Issue, upstream: Upstream) -> None:
    upstream.behave("test-model", "usage:100:500")
    key = issue(tpm=2900)
    assert statuses(serving, key, 4) == [200, 200, 200, 429]
    asked = [call.body["max_tokens"] for call in upstream.calls]
    assert 2700 < asked[0] < 2900
    assert [before - after for before, after in pairwise(asked)] == [600, 600]
    assert asked[-1] >= 1024


def test_a_call_larger_than_the_limit_is_answered_once_the_window_is_empty(
    serving: InProcess, issue: Issue, upstream: Upstream, clock: Clock
) -> None:
    upstream.behave("test-model", "usage:700:100")
    key = issue(tpm=500)
    long = "word " * 300
    assert serving.chat(key, model="m1", text=long, max_tokens=100).status_code == 200
    refused = serving.chat(key, model="m1", text="Hi", max_tokens=1)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining-tokens"]) == (429, "0")
    clock.now += timedelta(seconds=int(refused.headers["retry-after"]))
    assert serving.chat(key, model="m1", text=long, max_tokens=100).status_code == 200
    assert [call.body["max_tokens"] for call in upstream.calls] == [100, 100]


def test_no_more_calls_are_in_flight_than_may_be(serving: InProcess, issue: Issue, upstream: Upstream) -> None:
    key = issue(concurrency=2)
    with calls_in_flight(serving, upstream, [key, key]):
        refused = serving.chat(key, model="m1")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["details"]["limit"] == "concurrency"
    eventually(lambda: serving.runtime.limits.open_leases == 0)
    assert statuses(serving, key, 3) == [200, 200, 200]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["ok", "status-500", "status-400", "reset-before-first-byte", "garbage-json"])
def test_the_slot_comes_back_however_a_call_ends(
    serving: InProcess, issue: Issue, upstream: Upstream, fault: str, stream: bool
) -> None:
    key = issue(concurrency=1, tpm=100_000)
    upstream.behave("test-model", fault)
    first = serving.chat(key, model="m1", stream=stream, max_tokens=100)
    assert first.status_code != 429
    eventually(lambda: serving.runtime.limits.open_leases == 0)
    upstream.behave("test-model", "ok")
    answer = serving.chat(key, model="m1", max_tokens=100)
    assert answer.status_code == 200


@pytest.mark.parametrize("fault", ["reset-mid-stream", "eof-mid-stream", "garbage-sse", "error-event"])
def test_the_slot_comes_back_from_a_stream_that_breaks(
    serving: InProcess, issue: Issue, upstream: Upstream, fault: str
) -> None:
    key = issue(concurrency=1)
    upstream.behave("test-model", fault, "ok")
    # What comes at once with the first byte is an error before it.
    assert serving.chat(key, model="m1", stream=True).status_code in (200, 502)
    eventually(lambda: serving.runtime.limits.open_leases == 0)
    assert statuses(serving, key, 1) == [200]


def test_the_slot_comes_back_from_a_call_that_can_not_be_paid(serving: InProcess, issue: Issue, bob: User) -> None:
    poor = person("carol", "LLM user")
    serving.sees_changes()
    key = issue(poor, concurrency=1, tpm=6000)
    for _ in range(3):
        answer = serving.chat(key, model="m1", max_tokens=4000)
        assert answer.status_code == 402
    assert serving.runtime.limits.open_leases == 0


@pytest.mark.parametrize("stream", [False, True])
def test_the_slot_comes_back_from_a_client_that_left(
    serving: InProcess, issue: Issue, upstream: Upstream, settings: Settings, stream: bool
) -> None:
    settings.DRAIN_S = 0.2
    key = issue(concurrency=1)
    upstream.behave("test-model", "slow-first-byte:60")
    body = {"model": "m1", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    leave = threading.Event()

    async def call_and_leave() -> None:
        import asyncio

        call = serving._call("POST", "/v1/chat/completions", key, json.dumps(body).encode(), {})
        calling = asyncio.ensure_future(call)
        while not leave.is_set():
            await asyncio.sleep(0.01)
        calling.cancel()
        await asyncio.wait((calling,))

    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(serving.run, call_and_leave())
        eventually(lambda: upstream.calls)
        assert serving.chat(key, model="m1").status_code == 429
        leave.set()
        leaving.result()
    eventually(lambda: serving.runtime.limits.open_leases == 0)
    upstream.behave("test-model", "ok")
    assert statuses(serving, key, 1) == [200]


# --- deployments ---


def two_deployments(alice: Api, server: Any, serving: InProcess, first: dict[str, int], second: dict[str, int]) -> None:
    other = alice.server(name="other", base_url=server["base_url"])
    alice.model(
        on_server(server, "first-model", priority=0, **first),
        on_server(other, "second-model", priority=1, **second),
        name="pair",
        input_price="2",
        max_output_tokens=4000,
    )
    serving.sees_changes()


def test_a_deployment_at_its_limit_is_passed_over(
    serving: InProcess, alice: Api, server: Any, issue: Issue, upstream: Upstream, clock: Clock
) -> None:
    two_deployments(alice, server, serving, {"rpm": 2}, {"rpm": 1})
    key = issue()
    for _ in range(3):
        assert serving.chat(key, model="pair", max_tokens=20).status_code == 200
    assert [call.model for call in upstream.calls] == ["first-model", "first-model", "second-model"]
    clock.now += timedelta(seconds=25)
    refused = serving.chat(key, model="pair", max_tokens=20)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "35")
    assert refused.json()["error"]["code"] == "deployments_at_limit"
    assert len(upstream.calls) == 3
    assert serving.runtime.breaker.states() == {}
    hold = Hold.objects.get(pk=refused.headers["x-request-id"])
    assert hold.state == "VOIDED"
    assert list(checker.check()) == []
    clock.now += timedelta(seconds=35)
    assert serving.chat(key, model="pair", max_tokens=20).status_code == 200


def test_a_deployment_that_failed_has_its_slot_and_tokens_back_while_another_answers(
    serving: InProcess, alice: Api, server: Any, issue: Issue, upstream: Upstream
) -> None:
    two_deployments(alice, server, serving, {"concurrency": 1, "tpm": 5000}, {"concurrency": 1, "tpm": 5000})
    upstream.behave("first-model", "status-500", "ok")
    upstream.behave("second-model", "gate:1")
    key = issue()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(serving.chat, key, model="pair", stream=True, max_tokens=4000)
        eventually(lambda: upstream.calls.for_model("second-model"))
        assert serving.chat(key, model="pair", max_tokens=4000).status_code == 200
        assert serving.chat(key, model="pair", max_tokens=20, stream=True).status_code == 200
        upstream.release()
        assert slow.result().status_code == 200
    assert len(upstream.calls.for_model("first-model")) == 3
    eventually(lambda: AttemptRow.objects.count() == 4)


def test_a_deployment_is_asked_for_no_more_tokens_than_it_has_left(
    serving: InProcess, alice: Api, server: Any, issue: Issue, upstream: Upstream
) -> None:
    two_deployments(alice, server, serving, {"tpm": 2000}, {})
    upstream.behave("first-model", "usage:100:400")
    key = issue()
    for _ in range(3):
        assert serving.chat(key, model="pair").status_code == 200
    asked = [(call.model, call.body["max_tokens"]) for call in upstream.calls]
    assert [model for model, _ in asked] == ["first-model", "first-model", "second-model"]
    assert 1700 < asked[0][1] < 2000 and asked[0][1] - asked[1][1] == 500
    assert asked[2][1] == 4000


def test_a_failing_deployment_beside_a_full_one_is_what_the_caller_is_told_of(
    serving: InProcess, alice: Api, server: Any, issue: Issue, upstream: Upstream
) -> None:
    two_deployments(alice, server, serving, {"rpm": 1}, {})
    upstream.behave("second-model", "status-500")
    key = issue()
    assert serving.chat(key, model="pair", max_tokens=20).status_code == 200
    assert serving.chat(key, model="pair", max_tokens=20).status_code == 502
