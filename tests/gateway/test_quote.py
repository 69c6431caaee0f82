"""POST /v1/quote and `max_cost`: what a call can cost is known before it, and never exceeded."""

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from credits import checker
from credits.amounts import LARGEST
from credits.models import Account, Hold
from gateway import max_cost
from gateway.models import RequestRow
from gateway.views.endpoint import EndpointView
from gateway.views.quote import PRICED
from opscenter.core.limits import Limits
from opscenter.core.tiers import Tier
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_NANO = 10**9
_HALF = Decimal("0.5")
_PRICES: dict[str, dict[str, str]] = {
    "even": {"input_price": "2", "output_price": "2"},
    "cached-dear": {"input_price": "0.1", "cached_input_price": "7", "output_price": "30"},
    "input-only": {"input_price": "3.3", "output_price": "0"},
    "tiny": {"input_price": "0.001", "output_price": "0.007"},
}
_CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
_PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("chat", {**_CHAT, "max_tokens": 500}),
    "chat/completions": ("chat", _CHAT),
    "responses": ("chat", {"input": "Hello"}),
    "embeddings": ("embeddings", {"input": ["Hello", "you"]}),
    "rerank": ("reranking", {"query": "red fox", "documents": ["a dog", "the red fox"]}),
    "v2/chat/completions": ("chat", _CHAT),
}
_WRONG = ("negative", "strings", "huge", "empty", "list")
_MISREPORTS = [
    *("no-usage", "usage-on-each-chunk", "chunks:700+ignore-max-tokens"),
    *(f"wrong-usage:{how}" for how in _WRONG),
]


@pytest.fixture
def server(alice: Api, upstream: Upstream) -> Any:
    def make() -> Any:
        return alice.server(base_url=upstream.origin, use_for_embeddings=True, use_for_reranking=True)

    return replayed((__name__, "server"), make)


@pytest.fixture
def key(alice: Api, serving: InProcess, server: Any) -> str:
    def make() -> str:
        on = on_server(server, "searcher")
        alice.model(on, name="by-search", purpose="reranking", input_price="0", search_price="0.002")
        alice.model(on_server(server, "chat-even", **_PRICES["even"]), name="chat-even", max_output_tokens=4000)
        alice.model(
            on_server(server, "chat-dear", input_price="50", output_price="50"),
            on_server(server, "chat-cheap", priority=1, input_price="1", output_price="1"),
            name="two",
            max_output_tokens=4000,
        )
        alice.model(on_server(server, "chat-free"), name="gratis")
        return key_of(person("bob", "LLM user", credits_nano=10**13)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


@pytest.fixture
def keys_by_tier(serving: InProcess, key: str) -> dict[str, str]:
    keys = {tier: key_of(person(tier, "LLM user", tier=tier, credits_nano=10**13)).plaintext for tier in Tier.values}
    serving.sees_changes()
    return keys


@pytest.fixture
def priced(alice: Api, serving: InProcess, server: Any, key: str) -> None:
    for purpose, names in (("chat", list(_PRICES)[1:]), ("embeddings", _PRICES), ("reranking", _PRICES)):
        for name in names:
            on = on_server(server, f"{purpose}-{name}", **_PRICES[name])
            alice.model(on, name=f"{purpose}-{name}", purpose=purpose, max_output_tokens=4000)
    serving.sees_changes()


Post = Callable[..., httpx.Response]


@pytest.fixture
def post(serving: InProcess, key: str) -> Post:
    def post(path: str, body: dict[str, Any], headers: dict[str, str] | None = None, key: str = key) -> httpx.Response:
        return serving.call("POST", path, key=key, content=json.dumps(body).encode(), headers=headers)

    return post


def _row(answer: httpx.Response) -> RequestRow:
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    return row


def _nano(credits: str) -> int:
    return int(Decimal(credits) * _NANO)


@pytest.mark.parametrize("path", ["/v1/quote", "/api/v1/llm/quote"])
def test_a_quote_says_what_a_call_can_cost_and_holds_nothing(post: Post, path: str) -> None:
    quote = post(path, {**_CHAT, "model": "chat-even", "max_tokens": 100, "n": 2}).json()

    most = (quote["tokens"]["prompt_most"] + 200) * 2_000_000
    assert (quote["object"], quote["endpoint"], quote["model"]) == ("quote", "chat/completions", "chat-even")
    assert (quote["most_credits"], quote["max_cost"]) == (f"{most / _NANO:g}", None)
    # Two choices of one token each, and what was sent.
    assert _nano(quote["least_credits"]) == (quote["tokens"]["prompt"] + 2) * 2_000_000
    (candidate,) = quote["candidates"]
    assert (candidate["rank"], candidate["provider"], candidate["output_tokens_most"]) == (1, "local", 200)
    assert Decimal(candidate["rates"]["output"]) == 2
    assert (quote["would_be_refused"], quote["refusals"]) == (False, [])
    assert not Hold.objects.exists()
    assert not RequestRow.objects.exists()


def test_every_endpoint_that_asks_a_model_has_quotes() -> None:
    assert set(EndpointView.__subclasses__()) == set(PRICED.values())


def test_candidates_are_quoted_in_the_order_in_which_they_are_asked(post: Post) -> None:
    quote = post("/v1/quote", {**_CHAT, "model": "two", "max_tokens": 100}).json()

    dear, cheap = quote["candidates"]
    assert _nano(dear["most_credits"]) == 50 * _nano(cheap["most_credits"])
    assert (quote["most_credits"], quote["least_credits"]) == (dear["most_credits"], cheap["least_credits"])


@pytest.mark.parametrize("where", ["query", "body"])
def test_the_endpoint_is_named_in_the_query_or_in_the_body(post: Post, where: str) -> None:
    body = {**_PATHS["rerank"][1], "model": "by-search"}
    if where == "query":
        quote = post("/v1/quote?endpoint=rerank", body)
    else:
        quote = post("/v1/quote", {**body, "endpoint": "rerank"})

    assert (quote.json()["most_credits"], quote.json()["tokens"]["searches"]) == ("2", 1)
    assert post("/v1/quote?endpoint=guesses", body).status_code == 400


def test_an_address_with_too_many_parameters_is_refused(post: Post) -> None:
    refused = post(f"/v1/quote?{'a=1&' * 1001}", _CHAT)

    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "The address has more than 1000 parameters."


def test_what_would_refuse_a_call_is_said_in_its_words(serving: InProcess, post: Post) -> None:
    carol = key_of(
        person("carol", "LLM user", credits_nano=_NANO), limits=Limits(rpm=1), budget_credits=_HALF
    ).plaintext
    serving.sees_changes()
    body = {**_CHAT, "model": "chat-even", "max_tokens": 300}

    over_budget = post("/v1/quote", body, key=carol).json()
    told = post("/v1/chat/completions", body, key=carol)
    limited = post("/v1/quote", {**body, "max_tokens": 3}, key=carol).json()
    again = post("/v1/quote", {**body, "max_tokens": 3}, key=carol).json()
    clamped = post("/v1/quote", {**_CHAT, "model": "gratis"}, key=carol).json()

    assert [refusal["details"]["limit_source"] for refusal in over_budget["refusals"]] == ["key_budget"]
    assert told.json()["error"] == {k: v for k, v in over_budget["refusals"][0].items() if k != "status"}
    assert [(refusal["status"], refusal["details"]["limit"]) for refusal in limited["refusals"]] == [(429, "rpm")]
    assert limited["refusals"][0]["code"] == again["refusals"][0]["code"] == "rate_limit_exceeded"
    assert [refusal["code"] for refusal in clamped["refusals"]] == ["rate_limit_exceeded"]


def test_short_credits_and_a_frozen_or_indebted_account_would_refuse(serving: InProcess, post: Post) -> None:
    poor = person("dora", "LLM user")
    plaintext = key_of(poor).plaintext
    serving.sees_changes()
    body = {**_CHAT, "model": "chat-even"}

    (short,) = post("/v1/quote", body, key=plaintext).json()["refusals"]
    account = wallet(poor)
    refusals = []
    for status, debt in (("frozen", 0), ("active", 5)):
        account.status, account.debt = status, debt
        account.save(update_fields=["status", "debt"])
        refusals += post("/v1/quote", {**_CHAT, "model": "gratis"}, key=plaintext).json()["refusals"]

    assert (short["status"], short["details"]["limit_source"]) == (402, "credits")
    assert [(refusal["status"], refusal["code"]) for refusal in refusals] == [(403, "account_frozen")] * 2


def test_without_the_database_there_is_no_quote(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> Account:
        raise OperationalError("the database is away")

    monkeypatch.setattr("gateway.standing.Account.objects.get", away)

    refused = post("/v1/quote", {**_CHAT, "model": "chat-even"})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


def test_a_database_that_says_nothing_keeps_no_quote_waiting(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    says_something = threading.Event()
    monkeypatch.setattr("gateway.standing.read", lambda *_: says_something.wait(30))
    monkeypatch.setattr("gateway.quote._PATIENCE_S", 0.05)

    refused = post("/v1/quote", {**_CHAT, "model": "chat-even"})
    says_something.set()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("how", ["body", "header", "both"])
def test_too_dear_a_call_is_told_what_it_could_have(post: Post, upstream: Upstream, how: str) -> None:
    body: dict[str, Any] = {**_CHAT, "model": "chat-even", "max_tokens": 1000}
    if how != "header":
        body["max_cost"] = "0.7" if how == "body" else 5
    headers = {} if how == "body" else {"X-Max-Cost": "0.7"}

    refused = post("/v1/chat/completions", body, headers)
    error = refused.json()["error"]
    affordable = error["details"]["affordable_max_tokens"]
    served = post("/v1/chat/completions", {**body, "max_tokens": affordable}, headers)
    beyond = post("/v1/chat/completions", {**body, "max_tokens": affordable + 3}, headers)

    assert (refused.status_code, error["code"], error["details"]["limit_source"]) == (
        402,
        "max_cost_exceeded",
        "max_cost",
    )
    assert 100 < affordable < 350
    assert (served.status_code, beyond.status_code) == (200, 402)
    assert _row(refused).error_code == "max_cost_exceeded"
    assert "max_cost" not in upstream.calls[-1].body
    assert _row(served).held_nano <= 0.7 * _NANO


def test_an_open_end_is_clamped_to_what_may_be_spent(post: Post, upstream: Upstream) -> None:
    served = post("/v1/chat/completions", {**_CHAT, "model": "chat-even", "max_cost": 1.5})

    row = _row(served)
    assert 0.99 * 1.5 * _NANO < row.held_nano <= 1.5 * _NANO
    assert upstream.calls[-1].body["max_tokens"] < 750


def test_candidates_that_are_too_dear_are_left_out(post: Post) -> None:
    body = {**_CHAT, "model": "two", "max_tokens": 100}
    cheap = post("/v1/quote", body).json()["candidates"][1]

    served = post("/v1/chat/completions", {**body, "max_cost": "1"})
    quote = post("/v1/quote", {**body, "max_cost": "1"}).json()
    none = post("/v1/quote", {**body, "max_cost": "0.01"}).json()

    assert served.status_code == 200
    assert [candidate["deployment"] for candidate in quote["candidates"]] == [cheap["deployment"]]
    assert _row(served).held_nano <= _NANO
    assert quote["max_cost"] == "1"
    assert [refusal["code"] for refusal in none["refusals"]] == ["max_cost_exceeded"]


def test_a_free_model_needs_no_allowance(post: Post) -> None:
    assert post("/v1/chat/completions", {**_CHAT, "model": "gratis", "max_cost": 0}).status_code == 200


@pytest.mark.parametrize("said", ["-1", "NaN", "Infinity", "much", True, [1], {}, "1e999999999999999999999"])
def test_what_is_no_amount_is_refused(post: Post, said: Any) -> None:
    answer = post("/v1/chat/completions", {**_CHAT, "model": "gratis", "max_cost": said})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "max_cost")


@pytest.mark.parametrize(
    ("said", "header", "nano"),
    [
        ("0.0000000019", None, 1),
        ("0.00000000" + "9" * 50, None, 9),
        (0.1, None, 10**8),
        (None, " 2 ", 2 * 10**9),
        (3, "2.5", 25 * 10**8),
        ("2.5", "3", 25 * 10**8),
        ("1e30", None, LARGEST),
        (None, None, None),
    ],
)
def test_an_amount_is_read_to_the_nanocredit_and_never_rounded_up(said: Any, header: str | None, nano: int) -> None:
    body = {"max_cost": said, "model": "m1"}

    assert max_cost.take(body, header) == nano
    assert body == {"model": "m1"}


@bounds(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(sorted(_PATHS)),
    price=st.sampled_from([*_PRICES, "by-search"]),
    tier=st.sampled_from(Tier.values),
    reports=st.sampled_from(_MISREPORTS)
    | st.builds("usage:{}:{}+cached:{}".format, *[st.integers(100, 100_000)] * 2, st.integers(0, 100)),
    max_tokens=st.none() | st.integers(1, 5000),
    n=st.none() | st.integers(1, 4),
    most=st.none() | st.decimals("0", "12", places=9),
    stream=st.booleans(),
)
def test_no_bill_exceeds_its_quote_or_its_max_cost(
    post: Post,
    priced: None,
    keys_by_tier: dict[str, str],
    upstream: Upstream,
    path: str,
    price: str,
    tier: str,
    reports: str,
    max_tokens: int | None,
    n: int | None,
    most: Decimal | None,
    stream: bool,
) -> None:
    purpose, body = _PATHS[path]
    model = (
        "by-search"
        if price == "by-search" and purpose == "reranking"
        else f"{purpose}-{price.replace('by-search', 'even')}"
    )
    body = {**body, "model": model}
    if purpose == "chat":
        limit = "max_output_tokens" if path == "responses" else "max_tokens"
        asked = {limit: max_tokens, "stream": stream} | ({"n": n} if path.endswith("chat/completions") else {})
        body |= {name: value for name, value in asked.items() if value is not None}
    if most is not None:
        body["max_cost"] = str(most)
    upstream.behave("searcher" if model == "by-search" else model, reports)
    key, prefix = keys_by_tier[tier], "/api/v2/llm" if path.startswith("v2/") else "/v1"

    quote = post(f"/v1/quote?endpoint={path}", body, key=key).json()
    answer = post(f"{prefix}/{path.removeprefix('v2/')}", body, key=key)

    # What reports no usage, or nonsense, may be taken for no answer at all.
    assert answer.status_code in ((402,) if quote["would_be_refused"] else (200, 502))
    row = _row(answer)
    assert row.charged_nano <= row.held_nano <= _nano(quote["most_credits"])
    if most is not None:
        assert row.charged_nano <= most * _NANO
    if answer.status_code == 200:
        assert _nano(quote["least_credits"]) <= _nano(quote["most_credits"])
    assert list(checker.check()) == []
