"""/api/v2/llm as its callers meet it: chat by their wishes, the list to choose from, and explanations."""

import json
import time
from typing import Any

import httpx
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
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

CREDITS_NANO = 1000 * 10**9


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    """Bob's; model m1 runs at two servers, `first` at $2 and `second` at $4 per 1M tokens."""
    alice.model(
        on_server(alice.server(name="one", base_url=upstream.origin), "first", input_price="2"),
        on_server(alice.server(name="two", base_url=upstream.origin), "second", input_price="4"),
        strategy="cost-aware",
        max_output_tokens=4000,
        quality_score="0.9",
    )
    bob = key_of(person("bob", "LLM user", credits_nano=CREDITS_NANO)).plaintext
    serving.sees_changes()
    return bob


def post(
    serving: InProcess, path: str, key: str, *, headers: dict[str, str] | None = None, **body: Any
) -> httpx.Response:
    asked = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20, **body}
    return serving.call("POST", f"/api/v2/llm/{path}", key=key, content=json.dumps(asked).encode(), headers=headers)


def chat(serving: InProcess, key: str, **body: Any) -> httpx.Response:
    return post(serving, "chat/completions", key, **body)


def charged() -> int:
    return CREDITS_NANO - wallet(User.objects.get(username="bob")).posted


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_goes_where_it_wishes_and_is_billed_there(
    serving: InProcess, key: str, upstream: Upstream, *, stream: bool
) -> None:
    answers = [
        chat(serving, key, model="m1", stream=stream),
        chat(serving, key, model="m1", stream=stream, routing={"exclude": ["one"]}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    assert [call.model for call in upstream.calls] == ["first", "second"]
    assert all("routing" not in call.body for call in upstream.calls)
    eventually(lambda: RequestRow.objects.count() == 2)
    cheap, dear = RequestRow.objects.order_by("created_at").values_list("charged_nano", flat=True)
    assert (dear, charged()) == (2 * cheap, 3 * cheap)


def test_the_power_level_of_a_call_is_on_its_bill(serving: InProcess, key: str, upstream: Upstream) -> None:
    plain = chat(serving, key, model="m1")
    eco = post(serving, "chat/completions", key, headers={"X-Power-Level": "eco"}, model="m1")
    body = chat(serving, key, model="m1", power_level="eco")

    assert (plain.status_code, eco.status_code, body.status_code) == (200, 200, 200)
    eventually(lambda: RequestRow.objects.count() == 3)
    rows = RequestRow.objects.order_by("created_at").values_list("power_level", "charged_nano")
    # A tenth, at eco's own providers.
    cost = rows[0][1]
    assert list(rows) == [("precision", cost), ("eco", cost // 10), ("eco", cost // 10)]
    assert [hold.rates["power_level"] for hold in Hold.objects.order_by("id")] == [
        "precision",
        "eco",
        "eco",
    ]


def test_what_can_not_be_is_refused_and_recorded_and_costs_nothing(serving: InProcess, key: str) -> None:
    refused = [
        chat(serving, key, model="m1", routing={"providers": ["openai"]}),
        chat(serving, key, model="m1", power_level="turbo"),
        chat(serving, key, model="m1", routing={"strategy": "magic"}),
    ]

    codes = [(answer.status_code, answer.json()["error"]["code"]) for answer in refused]
    assert codes == [(400, "no_deployment_fits"), (403, "power_level_unknown"), (400, "invalid_request")]
    eventually(lambda: RequestRow.objects.count() == 2)
    assert (Hold.objects.count(), charged()) == (0, 0)


def test_on_v1_a_providers_own_routing_field_passes_through(serving: InProcess, key: str, upstream: Upstream) -> None:
    assert serving.chat(key, model="m1", max_tokens=20, routing={"exclude": ["one"]}).status_code == 200
    assert (upstream.calls[0].model, upstream.calls[0].body["routing"]) == ("first", {"exclude": ["one"]})


def test_the_list_says_what_can_be_chosen_by(serving: InProcess, key: str) -> None:
    (listed,) = serving.get("/api/v2/llm/models", key=key).json()["data"]

    assert serving.get("/api/v2/llm/models/m1", key=key).json() == listed
    assert {name: listed[name] for name in ("id", "privacy", "latency", "strategy", "providers", "deployments")} == {
        "id": "m1",
        "privacy": "high",
        "latency": "medium",
        "strategy": "cost-aware",
        "providers": ["local"],
        "deployments": 2,
    }
    assert (listed["tier"], listed["quality_score"]) == ("free", 0.9)


def test_an_explanation_says_whom_a_call_would_go_to_and_why_and_asks_nobody(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    body: dict[str, Any] = {"model": "m1", "routing": {"max_latency_ms": 5000}}
    explained = post(serving, "routing/explain", key, **body).json()

    assert [(one["rank"], one["provider"], one["breaker"]) for one in explained["candidates"]] == [
        (1, "local", "closed"),
        (2, "local", "closed"),
    ]
    first, second = explained["candidates"]
    assert float(second["estimated_cost_credits"]) == 2 * float(first["estimated_cost_credits"]) > 0
    assert first["reason"].startswith(f"{float(first['estimated_cost_credits']):g} credits for")
    assert (explained["strategy"], explained["power_level"], explained["kept_count"]) == ("cost-aware", "precision", 2)
    assert (explained["dropped"], explained["error"]) == ([], None)
    assert (list(upstream.calls), Hold.objects.count(), charged()) == ([], 0, 0)
    assert RequestRow.objects.count() == 0

    assert chat(serving, key, **body).status_code == 200
    assert upstream.calls[0].model == "first"


def test_an_explanation_tells_who_was_dropped_by_what(serving: InProcess, key: str) -> None:
    some = post(serving, "routing/explain", key, model="m1", routing={"exclude": ["one"]}).json()
    none = post(serving, "routing/explain", key, model="m1", routing={"providers": ["openai"]}).json()

    assert [one["rule"] for one in some["dropped"]] == ["exclude"]
    assert [one["reason"] for one in none["dropped"]] == ["Its provider is local; openai is asked for."] * 2
    assert none["candidates"] == []
    assert none["error"]["code"] == "no_deployment_fits"


def test_an_explanation_shows_what_was_measured_and_who_is_failing(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.UPSTREAM_RETRIES = 0
    settings.BREAKER_FAILURES = 1
    upstream.behave("first", "status-500")
    for stream in (False, True):
        assert chat(serving, key, model="m1", stream=stream).status_code == 200
    eventually(lambda: Hold.objects.filter(state="HELD").count() == 0)

    told = {one["breaker"]: one for one in post(serving, "routing/explain", key, model="m1").json()["candidates"]}
    assert set(told) == {"open", "closed"}
    assert "passed over" in told["open"]["passed_over"]
    assert told["closed"]["measured"]["first_byte_ms"] > 0
    assert told["open"]["measured"]["first_byte_ms"] is None
    assert told["open"]["measured"]["answered_share"] < 1 == told["closed"]["measured"]["answered_share"]
    assert [one["measured"]["in_flight"] for one in told.values()] == [0, 0]


def test_explanations_and_lists_are_for_callers_alone(serving: InProcess, key: str) -> None:
    for path in ("routing/explain", "chat/completions"):
        assert post(serving, path, f"{key}x").status_code == 401
        assert serving.get(f"/api/v2/llm/{path}", key=key).status_code == 405
    assert serving.get("/api/v2/llm/models").status_code == 401


def test_calls_in_flight_are_seen_and_let_go_however_they_end(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.UPSTREAM_RETRIES = 0
    settings.DRAIN_S = 0.2
    measured = serving.runtime.measured
    for fault in ("ok", "status-500", "status-400", "reset-mid-stream:2", "eof-mid-stream:2"):
        upstream.behave("first", fault)
        chat(serving, key, model="m1", stream=True)
    upstream.behave("first", "stall-mid-stream:2")
    upstream.behave("second", "stall-mid-stream:2")
    asked = len(upstream.calls)
    serving.leave(key, model="m1", stream=True, once=lambda: len(upstream.calls) > asked)

    eventually(lambda: Hold.objects.filter(state="HELD").count() == 0)
    eventually(lambda: [calls for calls, *_ in measured.tell().values()] == [0, 0])


def test_a_call_outlasts_what_its_providers_ask_for_in_their_order_and_is_billed_once(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPSTREAM_RETRIES = 3
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    upstream.behave("first", "status-429:1", "ok")
    upstream.behave("second", "status-503:3", "ok")
    began = time.monotonic()

    answer = chat(serving, key, model="m1")

    assert (answer.status_code, answer.headers["x-ops-attempts"]) == (200, "3"), answer.text
    # Not before the shorter of the two, and not the one that asked for longer.
    assert time.monotonic() - began >= 1
    assert [call.model for call in upstream.calls] == ["first", "second", "first"]
    eventually(RequestRow.objects.exists)
    row = RequestRow.objects.get()
    assert (row.status, row.charged_nano, Hold.objects.get().state) == ("succeeded", charged(), "CAPTURED")
    outcomes = AttemptRow.objects.order_by("n").values_list("outcome", flat=True)
    assert list(outcomes) == ["ratelimited", "servererror", "answered"]


def test_nobody_waits_for_a_provider_beyond_the_time_that_a_call_has(
    serving: InProcess, key: str, upstream: Upstream, settings: Settings
) -> None:
    settings.REQUEST_TIMEOUT_S = 3
    upstream.behave("first", "status-429:4")
    upstream.behave("second", "status-429:4")

    answer = chat(serving, key, model="m1")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "4")
    assert (len(upstream.calls), charged()) == (2, 0)
