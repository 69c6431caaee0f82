"""Conversions: what LiteLLM itself makes of its parameters, and where WilmerRouter calls with its documents."""

import json
from dataclasses import asdict, replace
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from gateway.transports.litellm import load
from gateway.transports.litellm.http import GuardedTransport
from llmconfig.conversions import Detour, NotConvertible, configured_detour, litellm_params, wilmer_endpoint
from llmconfig.conversions.litellm import NO_KEY
from llmconfig.models import Purpose
from llmconfig.providers import PROVIDERS
from llmconfig.target import Target
from tests.llmconfig.every_provider import ANOTHER, SERVER_TYPES, UPSTREAM_MODEL, make_targets

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MESSAGES = [{"role": "user", "content": "Say hello"}]
DETOUR = Detour("http://proxy.example:4000", "sk-of-the-proxy")


@pytest.fixture(scope="module")
def targets(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> dict[str, Target]:
    """They need no database any more, and making them takes longer than all the tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_targets()
        transaction.set_rollback(True)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What LiteLLM sends; every provider refuses the key."""
    requests: list[httpx.Request] = []

    async def refuse(transport: GuardedTransport, request: httpx.Request) -> httpx.Response:
        await request.aread()
        requests.append(request)
        return httpx.Response(401, json={"error": {"message": "no"}}, request=request)

    monkeypatch.setattr(GuardedTransport, "handle_async_request", refuse)
    return requests


def test_there_is_a_deployment_on_each(targets: dict[str, Target]) -> None:
    assert set(targets) == {*PROVIDERS, ANOTHER, *SERVER_TYPES}


def test_litellm_resolves_provider_and_model_of_each(targets: dict[str, Target]) -> None:
    resolve = load().get_llm_provider
    params = {name: litellm_params(target) for name, target in targets.items()}

    told = {name: resolve(**asdict(one))[:2] for name, one in params.items()}
    by_name_alone = {name: resolve(one.model)[:2] for name, one in params.items()}

    expected = {name: (UPSTREAM_MODEL, target.litellm_provider) for name, target in targets.items()}
    assert told == by_name_alone == expected


def test_litellm_calls_each_at_its_address_with_its_key(targets: dict[str, Target], asked: list[httpx.Request]) -> None:
    litellm = load()
    called = {}
    for name, target in targets.items():
        with pytest.raises(litellm.AuthenticationError):
            _call(target)
        called[name] = str(asked[-1].url)
        assert target.api_key
        assert target.api_key in " ".join(asked[-1].headers.values()), name
        assert len(asked) == len(called), f"{name} was asked again"

    expected = {name: f"{target.api_base}/chat/completions" for name, target in targets.items()}
    assert called == expected | {
        "anthropic": "https://api.anthropic.com/v1/messages",
        "google": f"https://generativelanguage.googleapis.com/v1beta/models/{UPSTREAM_MODEL}:generateContent",
        ANOTHER: "https://api.perplexity.ai/chat/completions",
    }


def test_a_limit_of_tokens_reaches_each(targets: dict[str, Target], asked: list[httpx.Request]) -> None:
    for target in targets.values():
        with pytest.raises(load().AuthenticationError):
            _call(target, max_tokens=77)

    sent = [json.loads(request.content) for request in asked]
    assert [77 in _numbers(body) for body in sent] == [True] * len(targets)


def test_embeddings_and_reranking_are_asked_for_where_a_server_has_them(asked: list[httpx.Request]) -> None:
    targets = make_targets(Purpose.EMBEDDINGS)
    for kind in SERVER_TYPES:
        with pytest.raises(load().AuthenticationError):
            async_to_sync(load().aembedding)(**_arguments(targets[kind]), input=["a"])
        with pytest.raises(load().AuthenticationError):
            reranking = replace(targets[kind], purpose=Purpose.RERANKING.value)
            async_to_sync(load().arerank)(**_arguments(reranking), query="a", documents=["b"])

    paths = [f"http://{kind}.example:8000/v1/{path}" for kind in SERVER_TYPES for path in ("embeddings", "rerank")]
    assert [str(request.url) for request in asked] == paths


def test_a_server_without_a_key_is_called_without_one(targets: dict[str, Target]) -> None:
    assert litellm_params(replace(targets["ollama"], api_key=None)).api_key == NO_KEY


def test_no_representation_holds_a_key(targets: dict[str, Target]) -> None:
    for target in targets.values():
        assert target.api_key
        assert target.api_key not in repr(litellm_params(target))
    assert DETOUR.api_key not in repr(DETOUR)


# What WilmerRouter appends to an endpoint's address, by its API type.
WILMER_PATHS = {
    "Open-AI-API": "/v1/chat/completions",
    "LlamaCppServer": "/v1/chat/completions",
    "OllamaApiChat": "/api/chat",
    "Claude": "/v1/messages",
    "OpenAI-Embeddings": "/v1/embeddings",
    "Ollama-Embeddings": "/api/embed",
}
NOT_DIRECTLY = {"deepinfra", "google", ANOTHER}


def test_wilmer_calls_each_where_it_is_or_over_the_proxy(targets: dict[str, Target]) -> None:
    documents = {name: wilmer_endpoint(target, detour=DETOUR) for name, target in targets.items()}

    called = {name: _url(document) for name, document in documents.items()}
    expected = {name: f"{target.api_base}/chat/completions" for name, target in targets.items()}
    over_the_proxy = dict.fromkeys(NOT_DIRECTLY, f"{DETOUR.base_url}/v1/chat/completions")
    assert called == expected | over_the_proxy | {
        "anthropic": "https://api.anthropic.com/v1/messages",
        "ollama": "http://ollama.example:8000/api/chat",
    }
    for name, document in documents.items():
        is_direct = name not in NOT_DIRECTLY
        assert document["apiKey"] == (targets[name].api_key if is_direct else DETOUR.api_key)
        assert document["modelNameToSendToAPI"] == (UPSTREAM_MODEL if is_direct else name)


def test_the_proxy_of_the_settings_is_the_detour(settings: Settings) -> None:
    assert configured_detour() is None
    settings.LITELLM_PROXY_URL, settings.LITELLM_API_KEY = DETOUR.base_url, DETOUR.api_key
    assert configured_detour() == DETOUR


def test_without_a_proxy_wilmer_is_told_what_it_cannot_call(targets: dict[str, Target]) -> None:
    for name in NOT_DIRECTLY:
        with pytest.raises(NotConvertible, match="LITELLM_PROXY_URL"):
            wilmer_endpoint(targets[name])
    for name in targets.keys() - NOT_DIRECTLY:
        assert wilmer_endpoint(targets[name])


# The fields that WilmerAI's documentation of endpoints calls required.
REQUIRED = {
    "endpoint": str,
    "apiTypeConfigFileName": str,
    "maxContextTokenSize": int,
    "modelNameToSendToAPI": str,
    "dontIncludeModel": bool,
    "promptTemplate": str,
    "addTextToStartOfSystem": bool,
    "textToAddToStartOfSystem": str,
    "addTextToStartOfPrompt": bool,
    "textToAddToStartOfPrompt": str,
    "addTextToStartOfCompletion": bool,
    "textToAddToStartOfCompletion": str,
    "ensureTextAddedToAssistantWhenChatCompletion": bool,
    "removeCustomTextFromResponseStartEndpointWide": bool,
    "responseStartTextToRemoveEndpointWide": list,
    "trimBeginningAndEndLineBreaks": bool,
}


def test_a_document_has_every_field_that_wilmer_requires(targets: dict[str, Target]) -> None:
    for target in targets.values():
        document = json.loads(json.dumps(wilmer_endpoint(replace(target, context_window=32_000), detour=DETOUR)))

        assert {name: type(document.get(name)) for name in REQUIRED} == REQUIRED
        assert document["maxContextTokenSize"] == 32_000


def test_a_backup_is_named_where_there_is_one(targets: dict[str, Target]) -> None:
    assert "backupEndpointName" not in wilmer_endpoint(targets["vllm"])
    assert wilmer_endpoint(targets["vllm"], backup="other")["backupEndpointName"] == "other"


def test_wilmer_asks_for_embeddings_and_cannot_rerank(targets: dict[str, Target]) -> None:
    embeddings = {name: replace(target, purpose=Purpose.EMBEDDINGS.value) for name, target in targets.items()}

    assert _url(wilmer_endpoint(embeddings["ollama"])) == "http://ollama.example:8000/api/embed"
    assert _url(wilmer_endpoint(embeddings["openai"])) == "https://api.openai.com/v1/embeddings"
    assert _url(wilmer_endpoint(embeddings["google"], detour=DETOUR)) == f"{DETOUR.base_url}/v1/embeddings"
    with pytest.raises(NotConvertible, match="reranking"):
        wilmer_endpoint(replace(targets["vllm"], purpose=Purpose.RERANKING.value))


def _arguments(target: Target) -> dict[str, Any]:
    return asdict(litellm_params(target)) | {"max_retries": 0, "num_retries": 0}


def _call(target: Target, **fields: Any) -> None:
    async_to_sync(load().acompletion)(**_arguments(target), messages=MESSAGES, **fields)


def _url(document: dict[str, Any]) -> str:
    return f"{document['endpoint']}{WILMER_PATHS[document['apiTypeConfigFileName']]}"


def _numbers(value: Any) -> set[float]:
    if isinstance(value, dict):
        return set().union(*map(_numbers, value.values()))
    return {value} if isinstance(value, int | float) else set()
