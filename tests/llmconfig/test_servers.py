"""AI servers through the API."""

import pytest

from llmconfig.models import AIServer
from opscenter.core.models import Secret
from tests.llmconfig.api import SERVER_SECRET, Api

pytestmark = pytest.mark.once


def test_a_server_is_made_read_changed_and_deleted(alice: Api) -> None:
    made = alice.server(api_key=SERVER_SECRET, model_path="qwen", metadata={"rack": 3})
    path = f"servers/{made['id']}"

    assert made["masked_key"] == "****77aa"
    assert (made["health_status"], made["enabled"], made["use_for_chat"]) == ("unknown", True, True)
    assert alice.get(path).body == made
    changed = alice.patch(path, {"use_for_embeddings": True})
    assert (changed.status, changed.body["version"]) == (200, 2)
    assert changed.body["use_for_embeddings"] is True
    assert changed.body["masked_key"] == "****77aa"
    assert alice.delete(path).status == 204
    assert alice.get(path).status == 404


def test_paths_work_with_a_trailing_slash_too(alice: Api) -> None:
    made = alice.server()

    assert alice.get("servers/").body["count"] == 1
    assert alice.get(f"servers/{made['id']}/").body == made


def test_put_resets_what_it_leaves_out_but_not_the_secret(alice: Api) -> None:
    made = alice.server(api_key=SERVER_SECRET, model_path="qwen")
    whole = {"name": "gpu", "server_type": "vllm", "base_url": made["base_url"]}

    answer = alice.put(f"servers/{made['id']}", whole)

    assert (answer.status, answer.body["model_path"], answer.body["masked_key"]) == (200, "", "****77aa")


def test_put_needs_what_has_no_default(alice: Api) -> None:
    made = alice.server()

    answer = alice.put(f"servers/{made['id']}", {"name": "other"})

    assert answer.status == 422
    assert set(answer.body["error"]["details"]["fields"]) == {"server_type", "base_url"}


def test_an_empty_key_removes_the_stored_one(alice: Api) -> None:
    made = alice.server(api_key=SERVER_SECRET)

    answer = alice.patch(f"servers/{made['id']}", {"api_key": ""})

    assert (answer.status, answer.body["masked_key"]) == (200, None)


def test_a_former_key_is_erased_because_nobody_could_revert_to_it(alice: Api) -> None:
    path = f"servers/{alice.server(api_key=SERVER_SECRET)['id']}"
    for api_key in ("another-key-of-the-server", ""):
        alice.patch(path, {"api_key": api_key})

    assert alice.get(path).body["masked_key"] is None
    assert [(row.state, bytes(row.ciphertext)) for row in Secret.objects.order_by("number")] == [("revoked", b"")] * 2


def test_a_change_that_changes_nothing_counts_no_version(alice: Api) -> None:
    made = alice.server(api_key=SERVER_SECRET)

    assert alice.patch(f"servers/{made['id']}", {"name": "gpu"}).body["version"] == 1


def test_enabled_only_leaves_out_the_disabled(alice: Api) -> None:
    alice.server(name="on")
    alice.server(name="off", enabled=False)

    assert [row["name"] for row in alice.get("servers").body["results"]] == ["off", "on"]
    assert [row["name"] for row in alice.get("servers?enabled_only=true").body["results"]] == ["on"]
    assert alice.get("servers?enabled_only=false").body["count"] == 2


def test_a_name_is_taken_once(alice: Api) -> None:
    alice.server()

    answer = alice.post("servers", {"name": "gpu", "server_type": "vllm", "base_url": "http://b.example"})

    assert (answer.status, answer.body["error"]["param"]) == (422, "name")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://[fd00:ec2::254]/v1",
        "http://[::ffff:169.254.169.254]",
        "http://0xa9fea9fe",
        "http://2852039166/latest",
        "http://0.0.0.0:8000",
        "http://user:secret@gpu.example",
        "ftp://gpu.example",
        "gpu.example:8000",
        "http://gpu.example?key=1",
        "file:///etc/passwd",
    ],
)
def test_a_base_url_that_must_not_be_called_is_refused(alice: Api, url: str) -> None:
    answer = alice.post("servers", {"name": "gpu", "server_type": "vllm", "base_url": url})

    assert (answer.status, answer.body["error"]["param"]) == (422, "base_url")
    assert not AIServer.objects.exists()


@pytest.mark.parametrize("url", ["http://10.0.0.7:8000", "http://127.0.0.1:11434", "http://[::1]:8080"])
def test_private_addresses_are_for_ai_servers(alice: Api, url: str) -> None:
    assert alice.server(base_url=url)["base_url"] == url


def test_private_addresses_can_be_forbidden(alice: Api, settings: pytest.FixtureRequest) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = False  # type: ignore[attr-defined]  # pytest-django's settings

    answer = alice.post("servers", {"name": "a", "server_type": "vllm", "base_url": "http://10.0.0.7"})

    assert (answer.status, answer.body["error"]["param"]) == (422, "base_url")


@pytest.mark.parametrize(
    ("base_url", "api_base"),
    [
        ("http://gpu.example:8000", "http://gpu.example:8000/v1"),
        ("http://gpu.example:8000/", "http://gpu.example:8000/v1"),
        ("https://gpu.example/v1/", "https://gpu.example/v1"),
        ("https://gpu.example/openai/v2", "https://gpu.example/openai/v2"),
    ],
)
def test_v1_is_added_where_the_url_has_no_path(base_url: str, api_base: str) -> None:
    server = AIServer(name="a", server_type="vllm", base_url=base_url)
    server.clean()

    assert server.api_base == api_base


def test_a_stored_key_does_not_move_to_another_origin(alice: Api) -> None:
    made = alice.server(api_key=SERVER_SECRET)
    path = f"servers/{made['id']}"

    refused = alice.patch(path, {"base_url": "http://elsewhere.example:8000"})
    same_origin = alice.patch(path, {"base_url": "http://gpu.example:8000/v1"})
    with_key = alice.patch(path, {"base_url": "http://elsewhere.example", "api_key": "another-secret-1234"})

    assert (refused.status, refused.code) == (422, "api_key_needed")
    assert same_origin.status == 200
    assert (with_key.status, with_key.body["masked_key"]) == (200, "****1234")


def test_metadata_must_be_an_object_that_can_be_stored(alice: Api) -> None:
    body = {"name": "a", "server_type": "vllm", "base_url": "http://a.example"}

    assert alice.post("servers", {**body, "metadata": [1]}).status == 422
    for text in ("\x00", "\ud800"):
        assert alice.post("servers", {**body, "metadata": {"a": [text]}}).status == 422
        assert alice.post("servers", {**body, "metadata": {text: 1}}).status == 422
    assert alice.server(metadata={"a": "Grüße \\u0000", "b": None})["metadata"]["a"] == "Grüße \\u0000"


def test_an_id_beyond_every_database_is_not_found(alice: Api) -> None:
    assert alice.get("servers/99999999999999999999").status == 404


def test_a_server_in_use_is_not_deleted(alice: Api) -> None:
    server = alice.server(model_path="qwen")
    alice.model({"provider_type": "ai_server", "provider_id": server["id"], "upstream_model": "x"})
    alice.post("active", {"purpose": "chat", "provider_type": "ai_server", "provider_id": server["id"]})

    answer = alice.delete(f"servers/{server['id']}")

    assert (answer.status, answer.code) == (409, "in_use")
    assert answer.body["error"]["details"]["used_by"] == [
        "the active provider for chat",
        "the deployment of m1",
    ]
    assert "active provider for chat" in answer.message


@pytest.mark.parametrize(
    "url", ["http://h:abc", "http://[::1", "http://127.0.0.1:99999", "http://h\t:9", "http://hé:9"]
)
def test_an_address_that_is_none_is_refused_when_written_and_when_changed(alice: Api, url: str) -> None:
    server = alice.server()
    assert alice.patch(f"servers/{server['id']}", {"base_url": url}).status == 422
    assert alice.post("servers", {"name": "x", "server_type": "vllm", "base_url": url}).status == 422
