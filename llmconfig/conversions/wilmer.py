"""A target as one of WilmerRouter's endpoint documents (`Public/Configs/Endpoints/NAME.json`).

WilmerRouter appends paths of its own (/v1/chat/completions, /api/chat, ...) to an endpoint's address. What has other
paths is reached by a detour over the LiteLLM proxy.
"""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from llmconfig.models import AIServer, Purpose
from llmconfig.providers import provider_for
from llmconfig.target import Target

DEFAULT_CONTEXT_TOKENS = 8192
"""Assumed where the catalog does not say; a document must name one."""

_CHAT_API = {
    AIServer.ServerType.OLLAMA.value: "OllamaApiChat",
    AIServer.ServerType.LLAMACPP.value: "LlamaCppServer",
}
_EMBEDDINGS_API = {AIServer.ServerType.OLLAMA.value: "Ollama-Embeddings"}
_OPENAI_CHAT, _OPENAI_EMBEDDINGS, _ANTHROPIC_CHAT = "Open-AI-API", "OpenAI-Embeddings", "Claude"
_VERSION = "/v1"


class NotConvertible(Exception):
    """WilmerRouter can't call this; the message says why."""


@dataclass(frozen=True, slots=True)
class Detour:
    """A LiteLLM proxy that serves every model under its public name; `base_url` without /v1."""

    base_url: str
    api_key: str = field(repr=False)


def configured_detour() -> Detour | None:
    """Over the proxy that the settings name, if they do."""
    base, key = settings.LITELLM_PROXY_URL, settings.LITELLM_API_KEY
    return Detour(base, key) if base and key else None


def wilmer_endpoint(target: Target, *, detour: Detour | None = None, backup: str = "") -> dict[str, Any]:
    """The document, with the key in it. `backup` names the endpoint to fall back to. Raises NotConvertible."""
    if target.purpose == Purpose.RERANKING:
        raise NotConvertible("WilmerRouter has no endpoints for reranking.")
    called = _called(target, detour)
    if target.purpose == Purpose.EMBEDDINGS:
        return called
    document = called | {
        "maxContextTokenSize": target.context_window or DEFAULT_CONTEXT_TOKENS,
        "promptTemplate": "_chatonly",
        "addGenerationPrompt": True,
        "trimBeginningAndEndLineBreaks": True,
        "removeThinking": False,
        **_nothing_added(),
    }
    return document | ({"backupEndpointName": backup} if backup else {})


def _called(target: Target, detour: Detour | None) -> dict[str, Any]:
    """Where, in which format, as which model and with which key."""
    api, address = _api(target), _address(target)
    model, api_key = target.upstream_model, target.api_key or ""
    if address is None:
        if detour is None:
            raise NotConvertible(
                f"WilmerRouter can't call {target.provider_label} directly, for its paths begin otherwise: "
                "set LITELLM_PROXY_URL and LITELLM_API_KEY, and it is reached over the LiteLLM proxy."
            )
        api = _OPENAI_EMBEDDINGS if target.purpose == Purpose.EMBEDDINGS else _OPENAI_CHAT
        address, model, api_key = detour.base_url, target.model_name, detour.api_key
    return {
        "modelNameForDisplayOnly": f"{target.model_name} on {target.provider_label}",
        "endpoint": address.removesuffix("/"),
        "apiTypeConfigFileName": api,
        "modelNameToSendToAPI": model,
        "dontIncludeModel": False,
        "apiKey": api_key,
    }


def _api(target: Target) -> str:
    """The name of one of WilmerRouter's API types."""
    server_type = target.server_type or ""
    if target.purpose == Purpose.EMBEDDINGS:
        return _EMBEDDINGS_API.get(server_type, _OPENAI_EMBEDDINGS)
    if target.litellm_provider == "anthropic":
        return _ANTHROPIC_CHAT
    return _CHAT_API.get(server_type, _OPENAI_CHAT)


def _address(target: Target) -> str | None:
    """What WilmerRouter's own path belongs behind; None where there is no such address."""
    if target.litellm_provider == "anthropic":
        return target.api_base.removesuffix(_VERSION)
    speaks_openai = target.server_type is not None or provider_for(target.provider).speaks_openai
    if speaks_openai and target.api_base.endswith(_VERSION):
        return target.api_base.removesuffix(_VERSION)
    return None


def _nothing_added() -> dict[str, Any]:
    """Required, and all of it off: prompts and answers stay what they are."""
    places = ("System", "Prompt", "Completion")
    return {
        **{f"addTextToStartOf{place}": False for place in places},
        **{f"textToAddToStartOf{place}": "" for place in places},
        "ensureTextAddedToAssistantWhenChatCompletion": False,
        "removeCustomTextFromResponseStartEndpointWide": False,
        "responseStartTextToRemoveEndpointWide": [],
    }
