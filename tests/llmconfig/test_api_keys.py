"""Provider keys through the API."""

import pytest

from llmconfig.models import ProviderKey
from opscenter.core.models import Secret, User
from tests.llmconfig.api import OPENAI_SECRET, Api, chat_on, on_key

pytestmark = pytest.mark.once


def test_a_key_is_made_read_changed_and_deleted(alice: Api) -> None:
    made = alice.key()
    path = f"api-keys/{made['id']}"

    assert (made["masked_key"], made["owner"], made["use_for_ops_center"]) == ("****5d80", None, True)
    assert alice.get(path).body == made
    changed = alice.patch(path, {"key_name": "second"})
    assert (changed.status, changed.body["key_name"], changed.body["version"]) == (200, "second", 2)
    assert alice.delete(path).status == 204
    assert alice.get(path).status == 404
    assert not Secret.objects.exists()


def test_a_new_secret_retires_the_former(alice: Api) -> None:
    made = alice.key()

    answer = alice.put(
        f"api-keys/{made['id']}",
        {"provider": "openai", "key_name": "main", "api_key": "sk-openai-second-abcd"},
    )

    assert answer.body["masked_key"] == "****abcd"
    states = Secret.objects.order_by("number").values_list("number", "state")
    assert list(states) == [(1, "retired"), (2, "active")]


def test_a_key_needs_a_secret(alice: Api) -> None:
    for body in ({}, {"api_key": ""}, {"api_key": None}):
        answer = alice.post("api-keys", {"provider": "openai", "key_name": "main", **body})
        assert (answer.status, answer.body["error"]["param"]) == (422, "api_key")
    assert not ProviderKey.objects.exists()


def test_any_provider_of_litellm_goes_by_its_name(alice: Api) -> None:
    assert alice.key(provider="perplexity")["provider"] == "perplexity"


def test_an_unknown_provider_is_refused(alice: Api) -> None:
    answer = alice.post("api-keys", {"provider": "acme", "key_name": "main", "api_key": OPENAI_SECRET})

    assert (answer.status, answer.body["error"]["param"]) == (422, "provider")


def test_a_secret_does_not_move_to_another_provider(alice: Api) -> None:
    made = alice.key()

    refused = alice.patch(f"api-keys/{made['id']}", {"provider": "groq"})
    with_key = alice.patch(f"api-keys/{made['id']}", {"provider": "groq", "api_key": "gsk-groq-secret-9999"})

    assert (refused.status, refused.body["error"]["param"]) == (422, "api_key")
    assert (with_key.status, with_key.body["masked_key"]) == (200, "****9999")


def test_a_name_is_taken_once_per_provider(alice: Api) -> None:
    alice.key()

    body = {"provider": "openai", "key_name": "main", "api_key": OPENAI_SECRET}
    assert alice.post("api-keys", body).status == 422
    assert alice.post("api-keys", {**body, "provider": "groq"}).status == 201


def test_consumers_own_keys_are_not_listed(alice: Api) -> None:
    owner = User.objects.create_user("dora")
    own = ProviderKey.objects.create(provider="openai", key_name="dora's", owner=owner)

    assert alice.get("api-keys").body["count"] == 0
    assert alice.get(f"api-keys/{own.pk}").status == 404
    assert alice.delete(f"api-keys/{own.pk}").status == 404


def test_the_list_is_narrowed_by_provider_and_enabled_only(alice: Api) -> None:
    alice.key()
    alice.key(provider="groq", enabled=False)

    assert alice.get("api-keys?enabled_only=true").body["count"] == 1
    assert [row["provider"] for row in alice.get("api-keys?provider=groq").body["results"]] == ["groq"]


def test_a_key_in_use_is_not_deleted(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key), input_price="1", output_price="2")
    assert alice.post("active", chat_on("api_key", key, "m1")).status == 200

    answer = alice.delete(f"api-keys/{key['id']}")

    assert answer.status == 409
    assert answer.body["error"]["details"]["used_by"] == [
        "the active provider for chat",
        "the deployment of m1",
    ]
