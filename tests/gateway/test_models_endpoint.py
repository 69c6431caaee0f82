"""GET /v1/models: what a key may call, and nothing that it may not."""

from typing import Any

import pytest

from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, chat_on, on_key, on_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def _listed(serving: InProcess, name: str = "bob", *, tier: str = "free", **options: Any) -> dict[str, Any]:
    """By id, for a new user's new key."""
    key = key_of(person(name, "LLM user", tier=tier), **options).plaintext
    serving.sees_changes()
    body = serving.get("/v1/models", key=key).json()
    assert body["object"] == "list"
    for model in body["data"]:
        assert serving.get(f"/v1/models/{model['id']}", key=key).json() == model
    return {model["id"]: model for model in body["data"]}


def test_a_model_is_described_as_openai_does(alice: Api, serving: InProcess) -> None:
    alice.model(on_server(alice.server()), max_output_tokens=100, context_window=4096)

    assert _listed(serving)["m1"] == {
        "id": "m1",
        "object": "model",
        "created": 0,
        "owned_by": "local",
        "purpose": "chat",
        "context_window": 4096,
        "max_output_tokens": 100,
    }


def test_what_can_not_be_called_is_not_listed(alice: Api, serving: InProcess) -> None:
    server = alice.server()
    alice.model(on_server(server, enabled=False))
    alice.model(on_server(server), name="m2", enabled=False)
    alice.model(on_key(alice.key()), name="m3")
    alice.model(name="m4")

    assert _listed(serving) == {}


def test_tiers_keys_purposes_and_strict_levels_bound_the_list(alice: Api, serving: InProcess) -> None:
    server = alice.server(use_for_embeddings=True)
    alice.model(on_server(server), name="free")
    alice.model(on_server(server), name="dear", tier="enterprise")
    alice.model(on_server(server), name="vectors", purpose="embeddings")
    alice.model(on_key(alice.key()), name="remote", input_price="1")

    assert set(_listed(serving, "a")) == {"free", "vectors", "remote"}
    assert set(_listed(serving, "b", tier="enterprise")) == {"free", "dear", "vectors", "remote"}
    assert set(_listed(serving, "c", allowed_models=["free"])) == {"free"}
    assert set(_listed(serving, "d", allowed_purposes=["embeddings"])) == {"vectors"}
    assert set(_listed(serving, "e", power_level="eco")) == {"free", "vectors"}


def test_a_model_that_only_an_active_provider_has_is_listed_by_its_own_name(alice: Api, serving: InProcess) -> None:
    first, second = alice.server(model_path="qwen-32b"), alice.server(name="gpu2")
    alice.model(on_server(first, "x"))
    alice.post(
        "active",
        chat_on(
            "ai_server",
            first,
            "qwen-32b",
            fallback_provider_type="ai_server",
            fallback_provider_id=second["id"],
            fallback_model="llama-8b",
        ),
    )

    listed = _listed(serving)

    assert set(listed) == {"m1", "qwen-32b", "llama-8b"}
    assert (listed["qwen-32b"]["owned_by"], listed["qwen-32b"]["purpose"]) == ("local", "chat")
    assert set(_listed(serving, "bound", allowed_models=["qwen-32b"])) == {"qwen-32b"}


def test_an_active_catalog_model_is_listed_once(alice: Api, serving: InProcess) -> None:
    server = alice.server()
    alice.model(on_server(server, "x"))
    alice.post("active", chat_on("ai_server", server, "x"))

    assert set(_listed(serving)) == {"m1"}


def test_names_with_slashes_can_be_asked_for(alice: Api, serving: InProcess) -> None:
    alice.model(on_server(alice.server()), name="meta/llama-3")

    assert set(_listed(serving)) == {"meta/llama-3"}


def test_an_unlisted_model_is_a_404(alice: Api, serving: InProcess) -> None:
    alice.model(on_server(alice.server()), tier="enterprise")
    key = key_of(person("bob", "LLM user")).plaintext
    serving.sees_changes()

    for name in ("m1", "nothing"):
        answer = serving.get(f"/v1/models/{name}", key=key)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"


def test_both_prefixes_answer_alike(alice: Api, serving: InProcess) -> None:
    alice.model(on_server(alice.server()))
    key = key_of(person("bob", "LLM user")).plaintext
    serving.sees_changes()

    for path in ("models", "models/m1"):
        assert serving.get(f"/v1/{path}", key=key).json() == serving.get(f"/api/v1/llm/{path}", key=key).json()
