"""Active providers through the API."""

import pytest

from llmconfig.models import ProviderKey
from opscenter.core.models import User
from tests.llmconfig.api import Api, chat_on, on_key, on_server

pytestmark = pytest.mark.once


def test_nobody_is_active_at_first(alice: Api) -> None:
    answer = alice.get("active/chat")

    assert (answer.status, answer.message) == (404, "No active provider for chat")
    assert alice.get("active").body["results"] == []


def test_a_server_is_made_active_and_read_back_nested(alice: Api) -> None:
    server = alice.server()

    answer = alice.post("active", chat_on("ai_server", server, "qwen"))

    assert answer.status == 200, answer.text
    assert (answer.body["provider_type"], answer.body["provider_id"]) == ("ai_server", server["id"])
    assert answer.body["provider"] == server
    assert (answer.body["default_model"], answer.body["fallback_provider"]) == ("qwen", None)
    assert alice.get("active/chat").body == answer.body
    assert alice.get("active").body["results"] == [answer.body]


def test_primary_and_fallback_may_be_of_both_kinds(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    alice.model(on_key(key), input_price="1", output_price="2")
    fallback = {
        "fallback_provider_type": "api_key",
        "fallback_provider_id": key["id"],
        "fallback_model": "gpt-x",
    }

    answer = alice.post("active", chat_on("ai_server", server, "qwen", **fallback))

    assert answer.status == 200, answer.text
    assert answer.body["fallback_provider"] == key
    assert (answer.body["fallback_provider_type"], answer.body["fallback_model"]) == ("api_key", "gpt-x")


def test_setting_again_replaces_the_whole_row(alice: Api) -> None:
    first, second = alice.server(name="first"), alice.server(name="second")
    fallback = {
        "fallback_provider_type": "ai_server",
        "fallback_provider_id": second["id"],
        "fallback_model": "b",
    }
    alice.post("active", chat_on("ai_server", first, "a", **fallback))

    answer = alice.post("active", chat_on("ai_server", second, "b"))

    assert (answer.body["provider_id"], answer.body["fallback_provider_id"]) == (second["id"], None)
    assert (answer.body["fallback_model"], answer.body["version"]) == ("", 2)
    assert alice.get("active").body["count"] == 1


def test_a_servers_own_default_stands_in_for_an_empty_model(alice: Api) -> None:
    with_default, without = alice.server(model_path="qwen"), alice.server(name="bare")

    assert alice.post("active", chat_on("ai_server", with_default)).status == 200
    answer = alice.post("active", chat_on("ai_server", without))
    assert (answer.status, answer.body["error"]["param"]) == (422, "default_model")


@pytest.mark.parametrize("slot", ["primary", "fallback"])
def test_something_disabled_is_refused(alice: Api, slot: str) -> None:
    off, on = alice.server(name="off", enabled=False), alice.server(name="on")
    fallback = {
        "fallback_provider_type": "ai_server",
        "fallback_provider_id": off["id"],
        "fallback_model": "x",
    }
    body = chat_on("ai_server", off, "x") if slot == "primary" else chat_on("ai_server", on, "x", **fallback)

    answer = alice.post("active", body)

    assert (answer.status, answer.code) == (422, "not_usable")
    assert "disabled" in answer.message
    assert alice.get("active/chat").status == 404


def test_a_server_not_meant_for_the_purpose_is_refused(alice: Api) -> None:
    server = alice.server()

    answer = alice.post("active", {**chat_on("ai_server", server, "x"), "purpose": "embeddings"})

    assert (answer.status, answer.code) == (422, "not_usable")
    assert "not meant for embeddings" in answer.message


def test_a_key_not_meant_for_the_platforms_calls_is_refused(alice: Api) -> None:
    key = alice.key(use_for_ops_center=False)
    alice.model(on_key(key), input_price="1", output_price="1")

    assert alice.post("active", chat_on("api_key", key, "m1")).code == "not_usable"


def test_a_consumers_own_key_is_nothing_to_point_to(alice: Api) -> None:
    own = ProviderKey.objects.create(provider="openai", key_name="d", owner=User.objects.create_user("dora"))

    answer = alice.post("active", chat_on("api_key", {"id": own.pk}, "m1"))

    assert (answer.status, answer.body["error"]["param"]) == (422, "provider_id")


def test_a_keys_model_must_be_in_the_catalog_with_a_price(alice: Api) -> None:
    key = alice.key()
    unknown = alice.post("active", chat_on("api_key", key, "m1"))
    model = alice.model(on_key(key))
    unpriced = alice.post("active", chat_on("api_key", key, "m1"))
    alice.patch(f"models/{model['id']}", {"input_price": "1"})
    priced = alice.post("active", chat_on("api_key", key, "m1"))

    assert (unknown.status, unknown.code) == (422, "not_priced")
    assert (unpriced.status, unpriced.code) == (422, "not_priced")
    assert priced.status == 200


def test_a_keys_model_of_another_purpose_is_refused(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key), purpose="embeddings", input_price="1")

    assert alice.post("active", chat_on("api_key", key, "m1")).code == "not_priced"


def test_a_price_of_the_deployment_alone_is_enough(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key, input_price="1"))

    assert alice.post("active", chat_on("api_key", key, "gpt-x")).status == 200


def test_a_disabled_deployment_is_not_made_free_by_calling_it_implicitly(alice: Api) -> None:
    server = alice.server()
    alice.model(on_server(server, enabled=False), input_price="5")

    assert alice.post("active", chat_on("ai_server", server, "x")).code == "not_usable"


def test_a_misspelt_model_is_refused_where_the_servers_models_are_known(alice: Api) -> None:
    server = alice.server(model_path="own-default")
    alice.model(on_server(server, "qwen"), input_price="5")

    answer = alice.post("active", chat_on("ai_server", server, "qwn"))

    assert (answer.status, answer.code, answer.body["error"]["param"]) == (422, "not_usable", "default_model")
    assert "Deployed there: m1." in answer.message
    assert [
        alice.post("active", chat_on("ai_server", server, name)).status for name in ("qwen", "m1", "own-default")
    ] == [200] * 3


def test_a_catalog_model_is_not_made_free_on_a_server_that_has_no_deployment_of_it(alice: Api) -> None:
    alice.model(on_server(alice.server()), input_price="5")

    assert alice.post("active", chat_on("ai_server", alice.server(name="bare"), "m1")).code == "not_usable"


@pytest.mark.parametrize(
    "body",
    [
        {"provider_id": 999},
        {"provider_type": "virtual_key"},
        {"purpose": "painting"},
        {"provider_id": None},
        {"fallback_provider_id": 1},
        {"fallback_provider_type": "api_key", "fallback_provider_id": 999},
        {"provider_id": 2**70},
    ],
)
def test_a_pointer_to_nothing_is_refused(alice: Api, body: dict[str, object]) -> None:
    server = alice.server()

    answer = alice.post("active", {**chat_on("ai_server", server, "x"), **body})

    assert answer.status == 422, answer.text
    assert alice.get("active").body["count"] == 0


def test_a_purpose_can_be_left_without_a_provider(alice: Api) -> None:
    alice.post("active", chat_on("ai_server", alice.server(), "x"))

    assert alice.delete("active/chat").status == 204
    assert alice.delete("active/chat").status == 404
    assert alice.get("active/chat").status == 404
