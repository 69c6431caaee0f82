"""Idempotency-Key: one upstream call and one charge however often a call is sent, and the same answer."""

import asyncio
import json
import threading
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from credits import checker
from credits.ledger import book
from credits.ledger.moves import Capture, Move, Outcome
from credits.models import Entry, Hold
from gateway.models import IdempotentCall
from gateway.once import stored
from gateway.once.stored import Answer, Wanted
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True)

_GIVEN = 1000 * 10**9
_LEFT = {"model": "m1", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(on_server(server, "test-model"), input_price="2", max_output_tokens=4000)
        return key_of(person("bob", "LLM user", credits_nano=_GIVEN)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(serving: InProcess, key: str) -> Ask:
    def ask(*, once: str = "first", key: str = key, text: str = "Hello", **fields: Any) -> httpx.Response:
        body = {"model": "m1", "messages": [{"role": "user", "content": text}], **fields}
        sent = {"Idempotency-Key": once}
        return serving.call("POST", "/v1/chat/completions", key=key, content=json.dumps(body).encode(), headers=sent)

    return ask


def _spent() -> int:
    """Once every hold has ended; the ledger must add up by then."""
    eventually(lambda: not Hold.objects.filter(state="HELD").exists())
    assert list(checker.check()) == []
    return _GIVEN - wallet(User.objects.get(username="bob")).posted


def _charges() -> int:
    return Entry.objects.filter(journal__idempotency_key__startswith="usage:", account__kind="wallet").count()


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_sent_again_is_answered_as_it_was(ask: Ask, upstream: Upstream, stream: bool) -> None:
    first = ask(stream=stream)
    again = ask(stream=stream)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert (len(upstream.calls), _charges()) == (1, 1)
    assert _spent() > 0
    assert stream or again.headers["x-ops-cost-credits"] == first.headers["x-ops-cost-credits"]
    assert b64encode(first.content[:60]).decode() not in IdempotentCall.objects.get().answer


@pytest.mark.once
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/messages", {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}),
        ("/v1/responses", {"input": "Hello"}),
        ("/api/v2/llm/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}),
    ],
)
def test_answers_of_other_endpoints_are_kept_in_their_words(
    serving: InProcess, key: str, upstream: Upstream, path: str, asked: dict[str, Any], stream: bool
) -> None:
    body = json.dumps({"model": "m1", "stream": stream, **asked}).encode()

    def ask() -> httpx.Response:
        return serving.call("POST", path, key=key, content=body, headers={"Idempotency-Key": "first"})

    first, again = ask(), ask()

    assert (first.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.content == first.content
    for name in ("x-request-id", "request-id", "content-type"):
        assert again.headers.get(name) == first.headers.get(name)
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_is_kept_before_it_is_charged(ask: Ask, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    kept: list[bool] = []
    apply = book.apply

    def noted(moves: Sequence[Move]) -> list[Outcome]:
        kept.extend(IdempotentCall.objects.exclude(answer="").exists() for m in moves if isinstance(m, Capture))
        return apply(moves)

    monkeypatch.setattr("credits.writer.book.apply", noted)

    assert ask(stream=stream).status_code == 200
    assert kept == [True]


def test_twenty_at_once_are_one_call_and_one_charge(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", "slow-first-byte:0.3")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(max_tokens=20), range(20)))

    refused = [answer for answer in answers if answer.status_code != 200]
    assert {_code(answer) for answer in refused} == {"idempotent_call_in_progress"}
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(409, "1")}
    assert len(refused) < 20
    assert ask(max_tokens=20).headers["idempotent-replayed"] == "true"
    assert (len(upstream.calls), _charges()) == (1, 1)
    assert _spent() > 0


@pytest.mark.once
def test_another_request_under_the_same_key_is_refused_and_another_callers_key_is_another(
    serving: InProcess, ask: Ask, upstream: Upstream
) -> None:
    other = key_of(User.objects.get(username="bob")).plaintext
    serving.sees_changes()
    ask()

    changed = ask(text="Goodbye")

    assert (changed.status_code, _code(changed)) == (422, "idempotency_key_reused")
    assert ask(key=other, text="Goodbye").status_code == 200
    assert len(upstream.calls) == 2


_CHATS = "/v1/chat/completions"


@pytest.mark.once
@pytest.mark.parametrize(
    ("first", "second", "headers"),
    [
        (_CHATS, _CHATS, {"X-Routing-Mode": "reasoning"}),
        ("/api/v2/llm/chat/completions", "/api/v2/llm/chat/completions", {"X-Power-Level": "eco"}),
        (_CHATS, "/v1/messages", {}),
    ],
)
def test_the_same_words_asked_of_somebody_else_are_another_request(
    serving: InProcess, key: str, upstream: Upstream, first: str, second: str, headers: dict[str, str]
) -> None:
    body = json.dumps({"model": "m1", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}).encode()
    made = serving.call("POST", first, key=key, content=body, headers={"Idempotency-Key": "first"})

    changed = serving.call("POST", second, key=key, content=body, headers={"Idempotency-Key": "first"} | headers)

    assert (made.status_code, changed.status_code) == (200, 422), changed.text
    assert len(upstream.calls) == 1


@pytest.mark.once
@pytest.mark.parametrize("once", ["", "x" * 256])
def test_a_key_has_its_length(ask: Ask, once: str) -> None:
    refused = ask(once=once)

    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "Idempotency-Key has 1 to 255 characters."


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails_for_free_may_be_tried_again(ask: Ask, upstream: Upstream, stream: bool) -> None:
    upstream.behave("test-model", "eof-mid-stream:5" if stream else "status-400", "ok")

    failed, served = ask(stream=stream), ask(stream=stream)

    assert (failed.status_code, served.status_code) == (200 if stream else 400, 200)
    assert "error" in failed.text
    assert "idempotent-replayed" not in served.headers
    assert ("[DONE]" in served.text) is stream
    assert (len(upstream.calls), _charges()) == (2, 1)


@pytest.mark.once
def test_a_call_that_was_refused_leaves_its_key_free(ask: Ask) -> None:
    dear, served = ask(max_tokens=4000, max_cost=0.1), ask(max_tokens=20)

    assert (dear.status_code, served.status_code) == (402, 200)


@pytest.mark.once
@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_is_kept_for_a_client_that_left(
    serving: InProcess, ask: Ask, key: str, upstream: Upstream, stream: bool
) -> None:
    upstream.behave("test-model", "gate:4")
    body = {"model": "m1", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    headers = {"Idempotency-Key": "first"}
    serving.leave_call(key, body, headers, once=lambda: upstream.calls)

    meanwhile = ask(stream=stream)
    upstream.release()
    eventually(lambda: IdempotentCall.objects.exclude(answer="").exists())
    again = ask(stream=stream)

    # Nothing holds up a plain answer, which may be there by then.
    assert (meanwhile.status_code, again.status_code) == (409 if stream else meanwhile.status_code, 200)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.text.endswith("[DONE]\n\n") if stream else again.json()["choices"]
    # What came before the client left, and what came after.
    assert not stream or again.text.count("data: ") >= upstream.calls[0].events_sent - 1
    # The answer is there before its charge.
    assert _spent() > 0
    assert (len(upstream.calls), _charges()) == (1, 1)


@pytest.mark.once
def test_what_was_charged_but_is_not_whole_is_said_and_never_called_again(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("test-model", "chunks:3000+ignore-max-tokens")
    cut = ask(stream=True, max_tokens=5)
    spent = _spent()

    lost = ask(stream=True, max_tokens=5)

    assert "longer than what was asked for" in cut.text
    assert (lost.status_code, _code(lost)) == (409, "idempotent_answer_lost")
    assert lost.json()["error"]["details"]["request_id"] == cut.headers["x-request-id"]
    assert float(lost.json()["error"]["details"]["charged_credits"]) * 10**9 == spent > 0
    assert len(upstream.calls) == 1


@pytest.mark.once
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_too_long_is_not_kept(ask: Ask, settings: Settings, stream: bool) -> None:
    settings.IDEMPOTENCY_MAX_BYTES = 100

    assert ask(stream=stream).status_code == 200
    assert _code(ask(stream=stream)) == "idempotent_answer_lost"
    assert _charges() == 1


@pytest.mark.once
def test_an_answer_that_cost_nothing_is_not_asked_for_again_either(
    alice: Api, serving: InProcess, ask: Ask, settings: Settings, upstream: Upstream
) -> None:
    alice.model(on_server(alice.server(name="gratis", base_url=upstream.origin), "free-model"), name="gratis")
    serving.sees_changes()
    settings.IDEMPOTENCY_MAX_BYTES = 100

    assert ask(model="gratis").status_code == 200
    lost = ask(model="gratis")

    assert lost.json()["error"]["details"]["charged_credits"] == "0"
    assert len(upstream.calls) == 1


@pytest.mark.once
def test_an_answer_that_can_not_be_stored_is_given_and_charged_all_the_same(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("gateway.once.stored.keep", away)

    served = ask()

    assert served.status_code == 200
    assert _code(ask()) == "idempotent_answer_lost"
    assert _charges() == 1


@pytest.mark.once
def test_without_the_database_a_call_that_must_not_be_made_twice_is_not_made(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("gateway.once.stored.claim", away)

    assert ask().status_code == 503
    assert not upstream.calls


@pytest.mark.once
def test_a_client_that_left_before_it_had_its_claim_leaves_none(
    serving: InProcess, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_wanted, has_left, claim = threading.Event(), threading.Event(), stored.claim

    def late(wanted: Wanted) -> int | Answer:
        is_wanted.set()
        assert has_left.wait(30)
        return claim(wanted)

    monkeypatch.setattr("gateway.once.stored.claim", late)
    released = _released_rows(monkeypatch)
    serving.leave_call(key, _LEFT, {"Idempotency-Key": "first"}, once=is_wanted.is_set)
    has_left.set()

    assert eventually(lambda: released) == [1]


@pytest.mark.once
def test_a_client_that_left_before_there_was_a_hold_leaves_no_claim(
    serving: InProcess, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(serving.runtime.writer, "reserve", never)
    released = _released_rows(monkeypatch)
    serving.leave_call(key, _LEFT, {"Idempotency-Key": "first"}, once=IdempotentCall.objects.exists)

    assert eventually(lambda: released) == [1]


def _released_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows went with each claim that was let go of."""
    numbers: list[int] = []
    release = stored.release

    def noted(id: int, request_id: UUID) -> None:
        before = IdempotentCall.objects.count()
        release(id, request_id)
        numbers.append(before - IdempotentCall.objects.count())

    monkeypatch.setattr("gateway.once.stored.release", noted)
    return numbers


@pytest.mark.once
def test_a_database_that_says_nothing_keeps_nobody_waiting(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    says_something, claim = threading.Event(), stored.claim

    def late(wanted: Wanted) -> int | Answer:
        assert says_something.wait(30)
        return claim(wanted)

    monkeypatch.setattr("gateway.once.stored.claim", late)
    monkeypatch.setattr("gateway.once.keeper._PATIENCE_S", 0.05)

    # The second waits behind the first, and isn't begun any more when its turn has come.
    refused = [ask(), ask(once="second")]
    says_something.set()

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in refused] == [(503, "2")] * 2
    monkeypatch.setattr("gateway.once.keeper._PATIENCE_S", 30)
    eventually(lambda: ask().status_code == 200)
    assert [row.key for row in IdempotentCall.objects.all()] == ["first"]
    assert len(upstream.calls) == 1


@pytest.mark.once
def test_a_process_that_was_away_for_too_long_gives_up_its_call(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.once.claim.Claim.is_late", True)

    assert ask().status_code == 409
    assert (len(upstream.calls), _spent()) == (0, 0)


@pytest.mark.once
def test_a_call_without_the_header_has_no_thread_and_no_row(serving: InProcess, key: str) -> None:
    assert serving.chat(key, model="m1").status_code == 200
    assert serving.runtime.answers._thread is None
    assert not IdempotentCall.objects.exists()
