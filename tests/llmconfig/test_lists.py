"""Lists are narrowed, ordered and paged, the same on both databases."""

from typing import Any

import pytest

from llmconfig.models import ProviderKey
from tests.llmconfig.api import Api, on_key, on_server

pytestmark = pytest.mark.django_db


def names(alice: Api, path: str, field: str = "name") -> list[str]:
    answer = alice.get(path)
    assert answer.status == 200, answer.text
    return [row[field] for row in answer.body["results"]]


@pytest.fixture
def catalog(alice: Api) -> dict[str, Any]:
    """Two servers, two keys and three models on them."""
    gpu, cpu = (
        alice.server(name="gpu"),
        alice.server(name="cpu", base_url="http://cpu.example", server_type="ollama", use_for_embeddings=True),
    )
    openai, groq = alice.key(), alice.key(provider="groq", enabled=False, use_for_ops_center=False)
    alice.model(on_server(gpu), name="a_1", use_case_tags=["code", "größe"], quality_score="0.9", context_window=8000)
    alice.model(on_key(openai, transport="litellm"), name="b-1", tier="starter", quality_score="0.5", input_price="1")
    alice.model(on_server(cpu), on_key(groq), name="c", purpose="embeddings", use_case_tags=["encode"])
    return {"gpu": gpu, "openai": openai}


def test_servers_and_models(alice: Api, catalog: dict[str, Any]) -> None:
    expected = {
        "servers?search=GP": ["gpu"],
        "servers?server_type=ollama": ["cpu"],
        "servers?use_for_embeddings=true": ["cpu"],
        "servers?name=gpu&health_status=unknown": ["gpu"],
        "servers?ordering=-name": ["gpu", "cpu"],
        "servers?ordering=server_type,-name": ["cpu", "gpu"],
        "models?search=%25": [],
        "models?search=_": ["a_1"],
        "models?tag=code": ["a_1"],
        "models?tag=größe": ["a_1"],
        "models?tier=starter": ["b-1"],
        "models?purpose=embeddings&privacy=medium": ["c"],
        "models?min_quality_score=0.5&ordering=quality_score": ["b-1", "a_1"],
        "models?min_context_window=8001": [],
        "models?ordering=quality_score": ["b-1", "a_1", "c"],
        "models?ordering=-quality_score": ["a_1", "b-1", "c"],
    }

    assert {path: names(alice, path) for path in expected} == expected


def test_keys_and_deployments(alice: Api, catalog: dict[str, Any]) -> None:
    assert names(alice, "api-keys?use_for_ops_center=false", "provider") == ["groq"]
    assert names(alice, "api-keys?search=OPEN", "provider") == ["openai"]
    ProviderKey.objects.filter(provider="groq").update(tokens_used=5)
    assert names(alice, "api-keys?ordering=-tokens_used", "provider") == ["groq", "openai"]
    assert names(alice, "deployments?provider_type=ai_server&ordering=-model_name", "model_name") == ["c", "a_1"]
    assert names(alice, "deployments?provider_type=api_key&enabled_only=true", "model_name") == ["b-1", "c"]
    assert names(alice, "deployments?transport=litellm", "model_name") == ["b-1"]
    assert names(alice, f"deployments?server={catalog['gpu']['id']}", "model_name") == ["a_1"]
    assert names(alice, "deployments?search=gpt-x&ordering=model_name", "model_name") == ["b-1", "c"]


def test_pages_are_cut_where_they_are_asked_to_be(alice: Api, catalog: dict[str, Any]) -> None:
    first = alice.get("models?page_size=2&ordering=name").body
    second = alice.get(first["next"].partition("/llm-config/")[2]).body

    assert [row["name"] for page in (first, second) for row in page["results"]] == ["a_1", "b-1", "c"]
    assert (first["count"], second["next"]) == (3, None)


def test_what_a_parameter_can_not_be_is_refused(alice: Api) -> None:
    for path, param in (
        ("servers?ordering=api_key", "ordering"),
        ("models?tier=gold", "tier"),
        ("deployments?model=9999", "model"),
        ("active?purpose=x", "purpose"),
        ("audit?since=then", "since"),
    ):
        answer = alice.get(path)
        assert (answer.status, answer.body["error"]["param"]) == (422, param)
