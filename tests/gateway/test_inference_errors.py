"""Every refusal on the inference path comes in the envelope, with a request id and nothing of the inside."""

import json
from typing import Any

import httpx
import pytest

from credits.models import Account, Hold
from credits.services import wallets
from gateway.models import RequestRow
from gateway.transports.base import Call, Reply, UpstreamStream
from llmconfig.models import AIServer
from llmconfig.services import active, servers
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_CREDIT = 10**9


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    """Bob's, with 1000 credits; model m1 is served by the upstream at $2 per 1M tokens."""

    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(on_server(server, "test-model"), input_price="2", max_output_tokens=4000)
        return key_of(person("bob", "LLM user", credits_nano=1000 * _CREDIT)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


def wallet_of_bob() -> Account:
    return wallet(User.objects.get(username="bob"))


def _error(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param", "details"}
    assert error["message"]
    return error


@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_key_that_no_header_takes_is_the_providers_failure(
    serving: InProcess, key: str, stream: bool
) -> None:
    server = AIServer.objects.get()
    servers.update(server=server, fields={}, api_key="sk-a\nb")
    serving.sees_changes()

    answer = serving.chat(key, model="m1", stream=stream)

    assert _error(answer, 502)["code"] == "upstream_error"
    assert "sk-a" not in answer.text
    assert wallet_of_bob().held == 0


def test_a_call_without_a_key_is_a_401(serving: InProcess) -> None:
    answer = serving.get("/v1/models")

    assert _error(answer, 401)["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"]


def test_a_wrong_key_is_a_401(serving: InProcess) -> None:
    for header in ("Bearer sk-ops-unknown", "Bearer", "Basic eDp5", "sk-ops-x"):
        answer = serving.call("GET", "/v1/models", headers={"Authorization": header})

        assert _error(answer, 401)["type"] == "authentication_error", header


def test_a_key_without_permission_is_a_403(serving: InProcess) -> None:
    answer = serving.chat(key_of(person("nobody")).plaintext)

    error = _error(answer, 403)
    assert error["type"] == "permission_error"
    assert error["message"].endswith("llm.execute.")


def test_a_method_that_is_not_served_is_a_405(serving: InProcess, key: str) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "DISPATCH", "AS_VIEW"):
        _error(serving.call(method, "/v1/models", key=key), 405)

    assert serving.call("HEAD", "/v1/models", key=key).status_code == 405


def test_an_unknown_path_is_a_404_in_the_envelope(serving: InProcess, key: str) -> None:
    for path in ("/v1/nothing", "/v1/", "/v1/chat", "/api/v1/llm/chat/nothing"):
        assert _error(serving.get(path, key=key), 404)["code"] == "unknown_url", path


def test_a_refused_body_names_its_parameter(serving: InProcess, key: str) -> None:
    answer = serving.call("POST", "/v1/chat/completions", key=key, content=b'{"messages": []}')

    error = _error(answer, 400)
    assert (error["type"], error["param"]) == ("invalid_request_error", "messages")


def test_an_unknown_model_is_a_404(serving: InProcess, key: str) -> None:
    error = _error(serving.chat(key, model="nothing"), 404)

    assert (error["code"], error["param"]) == ("model_not_found", "model")


def test_no_active_provider_is_a_503_in_so_many_words(serving: InProcess, key: str) -> None:
    error = _error(serving.chat(key), 503)

    assert error["message"] == "No active LLM provider configured"


def test_too_few_credits_are_a_402_that_says_what_they_cover(serving: InProcess, key: str, upstream: Upstream) -> None:
    poor = key_of(person("poor", "LLM user", credits_nano=_CREDIT)).plaintext

    error = _error(serving.chat(poor, model="m1", max_tokens=4000), 402)

    details = error["details"]
    assert details["limit_source"] == "credits"
    assert details["available_credits"] == "1"
    assert 0 < details["affordable_max_tokens"] < 500
    assert str(details["affordable_max_tokens"]) in details["remedy_hint"]
    assert not upstream.calls
    assert serving.chat(poor, model="m1", max_tokens=details["affordable_max_tokens"]).status_code == 200


def test_a_frozen_account_is_a_403(serving: InProcess, key: str, upstream: Upstream) -> None:
    wallets.freeze(account=wallet_of_bob())

    assert _error(serving.chat(key, model="m1"), 403)["code"] == "account_frozen"
    assert not upstream.calls


def test_text_that_no_database_takes_hinders_neither_the_call_nor_its_row(serving: InProcess, key: str) -> None:
    answer = serving.chat(key, model="m1", text="\0 \ud83d", metadata={"component": "a\0\ud800b", "operation": "\0"})

    assert answer.status_code == 200
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert (row.component, row.operation, row.status) == ("ab", "", "succeeded")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status-429:7", 429, "upstream_rate_limited"),
        ("status-500", 502, "upstream_error"),
        ("status-401", 502, "upstream_error"),
        ("status-404", 502, "upstream_error"),
        ("status-400", 400, "upstream_rejected"),
        ("reset-before-first-byte", 502, "upstream_error"),
        ("garbage-json", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstreams_fault_has_a_status_of_its_own_and_costs_nothing(
    serving: InProcess, key: str, upstream: Upstream, fault: str, status: int, code: str, stream: bool
) -> None:
    upstream.behave("test-model", fault)

    answer = serving.chat(key, model="m1", stream=stream)

    assert _error(answer, status)["code"] == code
    assert str(upstream.port) not in answer.text
    eventually(lambda: wallet_of_bob().held == 0)
    assert wallet_of_bob().posted == 1000 * _CREDIT
    if status == 429:
        assert answer.headers["retry-after"] == "7"


def test_a_database_that_is_away_is_a_503_with_a_time_to_retry(serving: InProcess, key: str, settings: Any) -> None:
    settings.SNAPSHOT_STALE_S = 0

    answer = serving.chat(key, model="m1")

    assert _error(answer, 503)["code"] == "not_ready"
    assert answer.headers["retry-after"] == "2"


class _Broken:
    """A transport with a bug."""

    async def complete(self, call: Call) -> Reply:
        raise KeyError("secret of the inside")

    async def stream(self, call: Call) -> UpstreamStream:
        raise KeyError("secret of the inside")

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("stream", [False, True])
def test_a_bug_of_ours_is_a_500_that_tells_nothing_and_leaves_no_hold(
    serving: InProcess, key: str, stream: bool
) -> None:
    serving.runtime._transports["relay"] = _Broken()

    answer = serving.chat(key, model="m1", stream=stream)

    error = _error(answer, 500)
    assert error["type"] == "server_error"
    assert "secret" not in json.dumps(answer.json())
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"]
    eventually(lambda: serving.runtime.inflight.count == 0)
    assert (wallet_of_bob().posted, wallet_of_bob().held) == (1000 * _CREDIT, 0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_whose_name_is_no_header_is_answered_and_ended(
    stream: bool, alice: Api, serving: InProcess, upstream: Upstream, key: str
) -> None:
    """An AI server calls its own models as it likes."""
    server = AIServer.objects.get(pk=alice.server(name="odd", base_url=upstream.origin)["id"])
    active.set_active(purpose="chat", primary=server, default_model="odd\r\nx-evil: 1")
    serving.sees_changes()

    answer = serving.chat(key, stream=stream)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ops-model"] == "oddx-evil: 1"
    assert "x-evil" not in answer.headers
    eventually(lambda: not Hold.objects.open().exists())
