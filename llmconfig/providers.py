"""The providers that Ops-Center knows and how each is spoken to; others go by their names in LiteLLM.

`provider_for(slug)` is what everybody calls: it applies PROVIDER_API_BASES, a fact of the deployment.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from opscenter.core.outbound import Policy


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is spoken to.

    `litellm_prefix` is LiteLLM's name of it. `speaks_openai`: the relay can serve it. `check_path` is a free
    call that needs the key; "" where none is known. `is_overridden`: the origin is this installation's own
    choice and may be private, where private ones are allowed at all.
    """

    slug: str
    name: str
    api_base: str
    litellm_prefix: str
    speaks_openai: bool
    max_tokens_param: str
    env_var: str
    check_path: str = "/models"
    auth: str = "bearer"
    is_overridden: bool = False

    @property
    def policy(self) -> Policy:
        is_private = self.is_overridden and settings.ALLOW_PRIVATE_AI_SERVERS
        return Policy.PRIVATE_ALLOWED if is_private else Policy.PUBLIC

    def headers(self, api_key: str) -> dict[str, str]:
        """What authenticates a call; keys travel in headers, never in a URL."""
        if self.auth == "x-api-key":
            return {"x-api-key": api_key, "anthropic-version": "2023-06-01"}
        if self.auth == "x-goog-api-key":
            return {"x-goog-api-key": api_key}
        return {"Authorization": f"Bearer {api_key}"}


def _openai_like(
    slug: str,
    name: str,
    api_base: str,
    *,
    litellm_prefix: str = "",
    max_tokens_param: str = "max_tokens",
    check_path: str = "/models",
) -> Provider:
    return Provider(
        slug=slug,
        name=name,
        api_base=api_base,
        litellm_prefix=litellm_prefix or slug,
        speaks_openai=True,
        max_tokens_param=max_tokens_param,
        env_var=f"{slug.upper()}_API_KEY",
        check_path=check_path,
    )


PROVIDERS: dict[str, Provider] = {
    provider.slug: provider
    for provider in (
        _openai_like("openai", "OpenAI", "https://api.openai.com/v1", max_tokens_param="max_completion_tokens"),
        Provider(
            slug="anthropic",
            name="Anthropic",
            api_base="https://api.anthropic.com",
            litellm_prefix="anthropic",
            speaks_openai=False,
            max_tokens_param="max_tokens",
            env_var="ANTHROPIC_API_KEY",
            check_path="/v1/models",
            auth="x-api-key",
        ),
        # Its list of models is public; /key is what tells a good key from a bad one.
        _openai_like("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", check_path="/key"),
        _openai_like("groq", "Groq", "https://api.groq.com/openai/v1"),
        _openai_like("together", "Together AI", "https://api.together.xyz/v1", litellm_prefix="together_ai"),
        _openai_like(
            "fireworks",
            "Fireworks AI",
            "https://api.fireworks.ai/inference/v1",
            litellm_prefix="fireworks_ai",
        ),
        _openai_like("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai"),
        _openai_like("huggingface", "Hugging Face", "https://router.huggingface.co/v1"),
        Provider(
            slug="google",
            name="Google Gemini",
            api_base="https://generativelanguage.googleapis.com/v1beta",
            litellm_prefix="gemini",
            speaks_openai=False,
            max_tokens_param="max_tokens",
            env_var="GOOGLE_API_KEY",
            auth="x-goog-api-key",
        ),
        _openai_like("mistral", "Mistral", "https://api.mistral.ai/v1"),
        _openai_like("deepseek", "DeepSeek", "https://api.deepseek.com/v1"),
        _openai_like("xai", "xAI", "https://api.x.ai/v1"),
    )
}


def provider_for(slug: str) -> Provider:
    """The provider of that name, at the origin that this deployment gives it."""
    known = PROVIDERS.get(slug) or Provider(
        slug=slug,
        name=slug,
        api_base="",
        litellm_prefix=slug,
        speaks_openai=False,
        max_tokens_param="max_tokens",
        env_var="",
        check_path="",
    )
    base = settings.PROVIDER_API_BASES.get(slug)
    return replace(known, api_base=base.rstrip("/"), is_overridden=True) if base else known


def is_known(slug: str) -> bool:
    """Whether we, or the installed LiteLLM, know a provider of that name."""
    return slug in PROVIDERS or slug in _litellm_providers()


@lru_cache(maxsize=1)
def _litellm_providers() -> frozenset[str]:
    """Names read from LiteLLM's own data; importing it would cost every process 135 MB."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return frozenset()
    listing = Path(spec.origin).parent / "provider_endpoints_support_backup.json"
    return frozenset(json.loads(listing.read_text(encoding="utf-8"))["providers"])
