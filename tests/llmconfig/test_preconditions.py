"""With If-Match nobody overwrites what somebody else changed since it was read."""

from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from llmconfig.models import AIServer, ProviderKey
from llmconfig.services import key_probe
from opscenter.core.models import User
from tests.llmconfig.api import OPENAI_SECRET, Api, chat_on, on_key, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SERVER = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000"}
CHANGES: dict[str, dict[str, Any]] = {
    "servers": {"model_path": "qwen"},
    "api-keys": {"key_name": "second"},
    "models": {"context_window": 4096},
    "deployments": {"weight": 2},
}


@pytest.fixture
def paths(alice: Api) -> dict[str, str]:
    """A row of each resource, used by nothing that keeps it from being deleted."""
    used, server, key = alice.server(name="used"), alice.server(), alice.key()
    model = alice.model(on_server(used), input_price="1", output_price="2")
    ids = {
        "servers": server["id"],
        "api-keys": key["id"],
        "models": model["id"],
        "deployments": model["deployments"][0]["id"],
    }
    return {name: f"{name}/{id}" for name, id in ids.items()}


@pytest.mark.parametrize("resource", CHANGES)
def test_a_change_of_what_was_changed_since_is_refused(resource: str, alice: Api, paths: dict[str, str]) -> None:
    path, change = paths[resource], CHANGES[resource]
    read = alice.get(path)
    written = alice.patch(path, change, if_match=read.etag)

    refused = [alice.patch(path, {"enabled": False}, if_match=read.etag), alice.delete(path, if_match=read.etag)]

    assert [(answer.status, answer.code) for answer in refused] == [(412, "precondition_failed")] * 2
    assert read.etag != written.etag == alice.get(path).etag
    assert refused[0].body["error"]["details"]["etag"] == written.etag
    assert alice.get(path).body == written.body
    assert alice.patch(path, {"enabled": False}).status == 200
    assert alice.delete(path, if_match=alice.get(path).etag).status == 204


def test_a_put_is_refused_likewise(alice: Api) -> None:
    made = alice.call("POST", "servers", SERVER)
    path = f"servers/{made.body['id']}"
    alice.patch(path, {"enabled": False})

    assert alice.put(path, SERVER, if_match=made.etag).status == 412
    assert alice.put(path, SERVER, if_match=alice.get(path).etag).status == 200


def test_the_header_takes_several_tags_and_any(alice: Api, paths: dict[str, str]) -> None:
    path = paths["servers"]
    tag = alice.get(path).etag

    assert alice.patch(path, {}, if_match=f'"other", {tag}').status == 200
    assert alice.patch(path, {}, if_match="*").status == 200
    for nothing in ('"other"', f"W/{tag}", "nonsense"):
        assert alice.patch(path, {}, if_match=nothing).status == 412


def test_counters_and_health_leave_the_tag_as_it_is(alice: Api, paths: dict[str, str]) -> None:
    before = alice.get(paths["servers"]).etag, alice.get(paths["api-keys"]).etag

    AIServer.objects.update(health_status="unhealthy")
    ProviderKey.objects.update(requests_count=F("requests_count") + 1, cost_usd=3)

    assert (alice.get(paths["servers"]).etag, alice.get(paths["api-keys"]).etag) == before


def test_another_secret_of_the_same_ending_is_another_tag(alice: Api, paths: dict[str, str]) -> None:
    path = paths["api-keys"]
    before = alice.get(path)
    after = alice.patch(path, {"api_key": "another-secret-of-openai-5d80"})

    assert after.body["masked_key"] == before.body["masked_key"]
    assert after.etag != before.etag


def test_a_models_tag_covers_its_prices_and_deployments(alice: Api) -> None:
    key, server = alice.key(), alice.server()
    path = f"models/{alice.model(on_key(key), input_price='1', output_price='2')['id']}"
    tags = [alice.get(path).etag]

    alice.patch(path, {"input_price": "3"})
    tags.append(alice.get(path).etag)
    alice.post("deployments", {"model": int(path.partition("/")[2]), **on_server(server)})
    tags.append(alice.get(path).etag)
    alice.patch(f"deployments/{alice.get(path).body['deployments'][0]['id']}", {"weight": 3})
    tags.append(alice.get(path).etag)

    assert len(set(tags)) == 4
    assert alice.patch(path, {"enabled": False}, if_match=tags[2]).status == 412


def test_an_active_provider_is_replaced_only_if_it_is_the_one_that_was_read(alice: Api) -> None:
    one, other = alice.server(), alice.server(name="other")
    assert alice.post("active", chat_on("ai_server", one, "qwen"), if_match="*").status == 412
    read = alice.post("active", chat_on("ai_server", one, "qwen"))
    assert alice.get("active/chat").etag == read.etag

    assert alice.post("active", chat_on("ai_server", other, "qwen"), if_match=read.etag).status == 200
    assert alice.post("active", chat_on("ai_server", one, "qwen"), if_match=read.etag).status == 412
    assert alice.delete("active/chat", if_match=read.etag).status == 412
    assert alice.delete("active/chat", if_match=alice.get("active/chat").etag).status == 204


def test_a_key_is_rotated_only_if_it_is_what_was_read(alice: Api, settings: Any, upstream: Upstream) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    path = f"api-keys/{alice.key()['id']}"
    first = alice.get(path).etag
    rotated = alice.post(f"{path}/rotate", {"api_key": token_hex(12)}, if_match=first)
    assert (rotated.status, rotated.etag) == (200, alice.get(path).etag)
    staged = alice.post(f"{path}/rotate", {"api_key": token_hex(12), "stage_only": True}, if_match=rotated.etag)
    asked = len(upstream.calls)

    for what in ("rotate", "versions/3/activate", "versions/1/revert", "versions/1/revoke"):
        refused = alice.post(f"{path}/{what}", {"api_key": token_hex(12)}, if_match=rotated.etag)
        assert (refused.status, refused.body["error"]["details"]) == (412, {"etag": staged.etag}), what
    assert len(upstream.calls) == asked

    for what, status in (("versions/3/activate", 200), ("versions/2/revert", 200), ("versions/1/revoke", 200)):
        answer = alice.post(f"{path}/{what}", if_match=alice.get(path).etag)
        assert (answer.status, answer.etag) == (status, alice.get(path).etag), what


def test_a_key_that_changes_while_its_provider_is_asked_stays_as_it_was_changed(
    alice: Api, settings: Any, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    path = f"api-keys/{alice.key()['id']}"
    read = alice.get(path).etag
    ask = key_probe.try_key

    def somebody_is_quicker(**asked: Any) -> Any:
        alice.patch(path, {"grace_days": 3})
        return ask(**asked)

    monkeypatch.setattr(key_probe, "try_key", somebody_is_quicker)

    refused = alice.post(f"{path}/rotate", {"api_key": token_hex(12)}, if_match=read)

    assert (refused.status, alice.get(path).body["masked_key"]) == (412, "****5d80")
    assert len(alice.get(f"{path}/versions").body["results"]) == 1
    assert alice.post(f"{path}/rotate", {"api_key": token_hex(12)}).status == 200


def test_a_platform_key_is_replaced_only_if_it_is_the_one_that_was_read(alice: Api) -> None:
    path = "/api/v1/admin/platform-keys/openai"
    assert alice.put(path, {"api_key": OPENAI_SECRET}, if_match="*").status == 412
    first = alice.put(path, {"api_key": OPENAI_SECRET})
    assert alice.get(path).etag == first.etag

    second = alice.put(path, {"api_key": token_hex(12)}, if_match=first.etag)

    assert (second.status, second.etag != first.etag) == (200, True)
    assert alice.put(path, {"api_key": OPENAI_SECRET}, if_match=first.etag).status == 412
    assert alice.delete(path, if_match=first.etag).status == 412
    ProviderKey.objects.update(requests_count=9, last_used=timezone.now())
    assert alice.delete(path, if_match=second.etag).status == 204


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_is_accepted() -> None:
    user = User.objects.create_superuser("alice")
    alice = Api(user)
    path = f"servers/{alice.server()['id']}"
    tag = alice.get(path).etag

    def change(n: int) -> int:
        try:
            return Api(user).patch(path, {"model_path": f"m{n}"}, if_match=tag).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(change, range(4)))

    assert answers == [200, 412, 412, 412]
    assert alice.get(path).body["version"] == 2
