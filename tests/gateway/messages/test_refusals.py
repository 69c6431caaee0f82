"""What clients of Anthropic's messages are refused, before anything is held, and in whose words."""

from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from credits.models import Hold
from gateway.models import RequestRow
from tests.eventually import eventually
from tests.gateway.messages.conftest import (
    NANO_PER_TOKEN,
    NATIVE,
    SECRET,
    TRANSLATED,
    UPSTREAM_MODEL,
    Client,
    content_in,
)
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_key, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}}
_HELLO = {"max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


def _said(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def _error(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["type"], told["error"]["type"]) == ("error", kind)
    assert told["request_id"] == answer.headers["x-request-id"] == answer.headers["request-id"]
    error: dict[str, Any] = told["error"]
    assert error["message"]
    return error


def test_errors_have_anthropics_types(client: Client, settings: Settings) -> None:
    poor = Client(client.serving, key_of(person("carol", "LLM user")).plaintext)
    narrow = Client(
        client.serving, key_of(person("dave", "LLM user", credits_nano=10**12), allowed_models=["x"]).plaintext
    )
    client.serving.sees_changes()

    _error(client.ask(NATIVE, max_tokens=None), 400, "invalid_request_error")
    unknown = _error(Client(client.serving, "sk-ops-nobody").ask(NATIVE), 401, "authentication_error")
    _error(client.serving.call("POST", "/v1/messages", content=b"{}"), 401, "authentication_error")
    short = _error(poor.ask(NATIVE), 402, "billing_error")
    _error(narrow.ask(NATIVE), 403, "permission_error")
    missing = _error(client.ask("no-such-model"), 404, "not_found_error")
    _error(client.serving.call("GET", "/v1/messages", headers={"x-api-key": client.key}), 405, "invalid_request_error")

    assert unknown["details"]["error_code"] == "invalid_api_key"
    assert missing["details"] == {"error_code": "model_not_found", "param": "model"}
    assert short["details"]["remedy_hint"]


def test_a_body_that_is_refused_unread_is_refused_in_its_words(client: Client, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100

    answer = client.ask(NATIVE, system="x" * 1000)
    other = client.serving.chat(client.key, model=NATIVE, text="x" * 1000)

    _error(answer, 413, "request_too_large")
    assert other.json()["error"]["code"] == "payload_too_large"


def test_where_nothing_is_set_up_nobody_is_overloaded(client: Client) -> None:
    error = _error(client.post("/v1/messages", _HELLO), 503, "api_error")

    assert error["details"]["error_code"] == "no_active_provider"


def test_the_bearer_is_as_good_as_the_other_header(client: Client) -> None:
    for headers in ({"Authorization": f"Bearer {client.key}"}, {"x-api-key": client.key}):
        assert client.serving.call("GET", "/v1/models", headers=headers).status_code == 200
    wrong = {"Authorization": "Bearer sk-ops-nobody", "x-api-key": client.key}
    assert client.serving.call("GET", "/v1/models", headers=wrong).status_code == 401


def test_what_a_model_can_not_be_asked_is_refused_before_anything_is_held(client: Client, upstream: Upstream) -> None:
    holds = Hold.objects.count()

    error = _error(client.ask(TRANSLATED, messages=_said(_PDF)), 400, "invalid_request_error")
    room = _error(
        client.ask(NATIVE, max_tokens=9000, thinking={"type": "enabled", "budget_tokens": 8000}),
        400,
        "invalid_request_error",
    )

    assert error["details"] == {"error_code": "not_supported_by_model", "param": "messages.0.content.0"}
    assert room["details"]["param"] == "thinking.budget_tokens"
    assert Hold.objects.count() == holds
    assert upstream.calls == []
    row = eventually(lambda: RequestRow.objects.filter(requested_model=TRANSLATED).first())
    assert row is not None
    assert (row.status, row.error_code, row.http_status) == ("refused", "not_supported_by_model", 400)


def test_of_several_deployments_only_those_are_asked_that_can_be(
    client: Client, alice: Api, upstream: Upstream
) -> None:
    key = alice.key(provider="anthropic", key_name="other", api_key=SECRET)
    server = alice.server(name="other", base_url=upstream.origin)
    first, second = on_server(server, "test-model"), on_key(key, "claude-x", priority=1)
    alice.model(first, second, name="mixed", input_price="2", max_output_tokens=4000, context_window=50_000)
    client.serving.sees_changes()

    with_file = client.ask("mixed", messages=_said({"type": "text", "text": "Read"}, _PDF))
    without = client.ask("mixed")

    assert (with_file.status_code, without.status_code) == (200, 200)
    assert [call.model for call in upstream.calls] == ["claude-x", "test-model"]
    held = eventually(lambda: RequestRow.objects.filter(pk=with_file.headers["x-request-id"]).first())
    assert held is not None
    # Nobody knows how long a file is: as long as the model can read.
    assert held.held_nano >= 50_000 * NANO_PER_TOKEN


def test_an_answer_comes_from_the_other_way_where_the_first_fails(
    client: Client, alice: Api, upstream: Upstream, settings: Settings
) -> None:
    key = alice.key(provider="anthropic", key_name="other", api_key=SECRET)
    server = alice.server(name="other", base_url=upstream.origin)
    first, second = on_key(key, "claude-x"), on_server(server, "test-model", priority=1)
    alice.model(first, second, name="mixed", input_price="2", max_output_tokens=4000)
    client.serving.sees_changes()
    upstream.behave("claude-x", "status-529")

    for stream in (False, True):
        answer = client.ask("mixed", stream=stream)

        assert (answer.status_code, answer.headers["x-ops-attempts"]) == (200, "2")
        assert content_in(answer)[0]["text"].endswith("You asked: Hello")


def test_the_same_stands_under_the_api_path(client: Client) -> None:
    for model in (NATIVE, TRANSLATED):
        assert client.ask(model, path="/api/v1/llm/messages").json()["type"] == "message"
    error = client.ask("no-such-model", path="/api/v1/llm/messages")
    _error(error, 404, "not_found_error")


def test_tokens_are_counted_here_and_nobody_is_asked(client: Client, upstream: Upstream) -> None:
    body = {"model": NATIVE, "messages": _said({"type": "text", "text": "word " * 1000})}
    holds = Hold.objects.count()

    counted = client.post("/v1/messages/count_tokens", body)
    image = client.post("/v1/messages/count_tokens", {**body, "messages": _said(_PDF)})
    unknown = client.post("/v1/messages/count_tokens", {**body, "model": "no-such-model"})

    assert counted.json()["is_estimate"] is True
    assert 900 < counted.json()["input_tokens"] < 1100
    _error(image, 400, "invalid_request_error")
    _error(unknown, 404, "not_found_error")
    assert (upstream.calls, Hold.objects.count()) == ([], holds)


def test_prices_of_a_beta_are_not_asked_for(client: Client, upstream: Upstream) -> None:
    content = b'{"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}'
    headers = {"x-api-key": client.key, "anthropic-beta": "context-1m-2025-08-07", "anthropic-version": "2023-01-01"}

    answer = client.serving.call("POST", "/v1/messages?beta=true", content=content, headers=headers)

    assert answer.status_code == 200
    (call,) = upstream.calls
    assert "anthropic-beta" not in call.headers
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.model == UPSTREAM_MODEL[NATIVE]
