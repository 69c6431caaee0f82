"""Testing a connection: real calls to the test upstream, through the guarded client."""

import socket
from typing import Any

import pytest
from cryptography.fernet import Fernet

from llmconfig.models import AIServer
from llmconfig.services import probe, servers
from opscenter.core.models import AuditEntry, ConfigVersion, Secret
from tests.llmconfig.api import OPENAI_SECRET, SERVER_SECRET, Api
from tests.upstream import Upstream, refusing_url

pytestmark = pytest.mark.once


def _test(alice: Api, server: Any) -> Any:
    answer = alice.post(f"servers/{server['id']}/test")
    assert answer.status == 200, answer.text
    assert SERVER_SECRET not in answer.text
    return answer.body


def test_a_healthy_server_lists_its_models(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin, api_key=SERVER_SECRET, model_path="demo")

    found = _test(alice, server)

    assert (found["status"], found["models"]) == ("healthy", ["demo", "test-model"])
    assert found["latency_ms"] >= 0
    (call,) = upstream.calls
    assert (call.method, call.path) == ("GET", "/v1/models")
    assert call.headers["authorization"] == f"Bearer {SERVER_SECRET}"


def test_a_server_without_a_key_is_asked_without_one(alice: Api, upstream: Upstream) -> None:
    _test(alice, alice.server(base_url=upstream.base_url))

    assert "authorization" not in upstream.calls[0].headers


def test_the_outcome_is_stored_but_is_no_change_of_configuration(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    version, entries = ConfigVersion.objects.get().version, AuditEntry.objects.count()

    _test(alice, server)

    stored = alice.get(f"servers/{server['id']}").body
    assert stored["health_status"] == "healthy"
    assert stored["last_health_check"].endswith("Z")
    assert stored["version"] == server["version"]
    assert (ConfigVersion.objects.get().version, AuditEntry.objects.count()) == (version, entries)


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        ("status-500", "unhealthy", "It answered 500."),
        ("status-401", "unhealthy", "It answered 401: the API key is refused."),
        ("garbage-json", "degraded", "It answered, but not with a list of models."),
        ("reset-before-first-byte", "unhealthy", "The call failed"),
        ("redirect", "unhealthy", "It answered 302: redirects are not followed"),
    ],
)
def test_a_faulty_server_is_told_from_a_healthy_one(
    alice: Api, upstream: Upstream, fault: str, status: str, message: str
) -> None:
    upstream.behave("/v1/models", fault)
    server = alice.server(base_url=upstream.origin, api_key=SERVER_SECRET)

    found = _test(alice, server)

    assert found["status"] == status
    assert found["message"].startswith(message)
    assert AIServer.objects.get().health_status == status
    assert upstream.calls.to("/stolen") == []


def test_a_server_that_lacks_its_default_model_is_degraded(alice: Api, upstream: Upstream) -> None:
    found = _test(alice, alice.server(base_url=upstream.origin, model_path="qwen"))

    assert found["status"] == "degraded"
    assert '"qwen"' in found["message"]


def test_a_server_that_refuses_connections_is_unhealthy(alice: Api) -> None:
    with refusing_url() as url:
        found = _test(alice, alice.server(base_url=url))

    assert (found["status"], found["latency_ms"], found["models"]) == ("unhealthy", None, [])
    assert "refused" in found["message"]


def test_a_silent_server_is_given_up(alice: Api, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TIMEOUT_S", 0.2)
    upstream.behave("/v1/models", "slow-first-byte:30")

    found = _test(alice, alice.server(base_url=upstream.origin))

    assert (found["status"], found["message"]) == ("unhealthy", "No answer within 0.2 s.")


def test_an_answer_beyond_reason_is_not_read_whole(
    alice: Api, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_MAX_BYTES", 10)

    found = _test(alice, alice.server(base_url=upstream.origin))

    assert found["message"] == "The answer is too long for a list of models."


def test_a_name_that_resolves_to_the_metadata_service_is_not_called(
    alice: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*arguments: Any, **options: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    server = alice.server(base_url="http://innocent.example")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    found = _test(alice, server)

    assert found["status"] == "unhealthy"
    assert found["message"].startswith("Not called: connections to 169.254.169.254 are never allowed")


def test_private_addresses_are_not_called_where_they_are_forbidden(
    alice: Api, upstream: Upstream, settings: Any
) -> None:
    server = alice.server(base_url=upstream.origin)
    settings.ALLOW_PRIVATE_AI_SERVERS = False

    found = _test(alice, server)

    assert found["message"].startswith("Not called")
    assert upstream.calls == []


def test_an_unreadable_key_is_said_to_be_unreadable(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin, api_key=SERVER_SECRET)
    Secret.objects.update(ciphertext=Fernet(Fernet.generate_key()).encrypt(b"x"))

    found = _test(alice, server)

    assert (found["status"], upstream.calls) == ("unhealthy", [])
    assert "key ring" in found["message"]


def test_a_servers_models_are_listed_to_readers(alice: Api, bob: Api, charlie: Api, upstream: Upstream) -> None:
    path = f"servers/{alice.server(base_url=upstream.origin)['id']}/models"

    assert bob.get(path).body == {"models": ["demo", "test-model"]}
    assert charlie.get(path).status == 403
    upstream.behave("/v1/models", "status-503")
    refused = bob.get(path)
    assert (refused.status, refused.code) == (502, "provider_unreachable")


def test_a_provider_key_is_tested_by_listing_models(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    key = alice.key()

    good = alice.post(f"api-keys/{key['id']}/test")
    upstream.behave("/v1/models", "status-401")
    bad = alice.post(f"api-keys/{key['id']}/test")

    assert (good.body["status"], good.body["models"]) == ("healthy", ["demo", "test-model"])
    assert (bad.body["status"], bad.body["message"]) == (
        "unhealthy",
        "It answered 401: the API key is refused.",
    )
    assert [call.headers["authorization"] for call in upstream.calls] == [f"Bearer {OPENAI_SECRET}"] * 2
    assert OPENAI_SECRET not in good.text + bad.text


@pytest.mark.parametrize(
    ("provider", "header", "path"),
    [("anthropic", "x-api-key", "/v1/models"), ("google", "x-goog-api-key", "/models")],
)
def test_a_key_travels_in_the_header_that_its_provider_wants(
    alice: Api, upstream: Upstream, settings: Any, provider: str, header: str, path: str
) -> None:
    settings.PROVIDER_API_BASES = {provider: upstream.origin}
    key = alice.key(provider=provider)

    alice.post(f"api-keys/{key['id']}/test")

    (call,) = upstream.calls
    assert (call.path, call.headers[header]) == (path, OPENAI_SECRET)
    assert "authorization" not in call.headers


def test_a_public_provider_is_never_called_at_a_private_address(
    alice: Api, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*arguments: Any, **options: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", upstream.port))]

    key = alice.key()
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    found = alice.post(f"api-keys/{key['id']}/test").body

    assert found["message"].startswith("Not called: connections to the private address 127.0.0.1")
    assert upstream.calls == []


def test_a_provider_without_a_known_free_call_is_not_tested(alice: Api) -> None:
    key = alice.key(provider="perplexity")

    assert alice.post(f"api-keys/{key['id']}/test").body["status"] == "unknown"


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"data": [{"id": "a"}, {"id": "b"}]}', ("a", "b")),
        (b'[{"id": "a"}]', ("a",)),
        (b'{"models": [{"name": "models/gemini-x"}]}', ("gemini-x",)),
        (b'{"data": [{"id": 3}, "a", {}]}', ()),
        (b'{"data": {"id": "a"}}', None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
        (b"3", None),
    ],
)
def test_lists_of_models_come_in_several_shapes(body: bytes, ids: tuple[str, ...] | None) -> None:
    assert probe._model_ids(body) == ids


@pytest.mark.parametrize("key", ["sk-a\r\nX-Admin: yes", "sk-a\nb", "sk-\x1b", "sk-é"])
def test_a_key_that_no_header_takes_is_refused(alice: Api, key: str) -> None:
    for path, body in (("servers", {"name": "gpu", "server_type": "vllm"}), ("api-keys", {"provider": "openai"})):
        answer = alice.post(path, {"key_name": "main", "base_url": "http://127.0.0.1:9", **body, "api_key": key})

        assert answer.status == 422, answer.text
        assert "one line" in answer.body["error"]["details"]["fields"]["api_key"][0]


def test_a_key_from_before_that_no_header_takes_is_no_failure_of_ours(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.base_url)
    servers.update(server=AIServer.objects.get(pk=server["id"]), fields={}, api_key="sk-a\nb")

    found = _test(alice, server)

    assert found["status"] == "unhealthy"
    assert "can't be sent" in found["message"]
    assert upstream.calls == []
