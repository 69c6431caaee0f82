"""A target as LiteLLM's call parameters: for calls in this process, and for the models of a LiteLLM proxy."""

from dataclasses import dataclass, field
from typing import Protocol

from llmconfig.models import Purpose

NO_KEY = "none"
"""What a server without a key is sent: the OpenAI SDK under LiteLLM insists on one."""

# The one of LiteLLM's providers for servers of one's own that can rerank; llama.cpp's answer has the same shape.
_RERANKING_SERVER = "hosted_vllm"


class Destination(Protocol):
    """What is needed of a target."""

    @property
    def api_base(self) -> str: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def litellm_provider(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def server_type(self) -> str | None: ...
    @property
    def upstream_model(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LiteLLMParams:
    """`api_base` None: where LiteLLM itself says that the provider is."""

    model: str
    custom_llm_provider: str
    api_base: str | None
    api_key: str = field(repr=False)


def litellm_params(target: Destination) -> LiteLLMParams:
    """The provider goes before the model too, for whoever resolves it by the model's name alone."""
    provider = target.litellm_provider
    if target.purpose == Purpose.RERANKING and target.server_type is not None:
        provider = _RERANKING_SERVER
    return LiteLLMParams(
        model=f"{provider}/{target.upstream_model}",
        custom_llm_provider=provider,
        api_base=target.api_base or None,
        api_key=target.api_key or NO_KEY,
    )
