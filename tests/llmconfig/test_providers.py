"""The registry of providers."""

import pytest
from django.conf import settings

from llmconfig.providers import PROVIDERS, is_known, provider_for

NAMED = "openai anthropic openrouter groq together fireworks deepinfra huggingface google mistral deepseek xai"


def test_the_promised_providers_are_there() -> None:
    assert set(PROVIDERS) == set(NAMED.split())


@pytest.mark.parametrize("slug", NAMED.split())
def test_litellm_knows_every_provider_by_its_prefix(slug: str) -> None:
    provider = provider_for(slug)

    assert is_known(provider.litellm_prefix)
    assert provider.api_base.startswith("https://")
    assert not provider.api_base.endswith("/")
    assert provider.env_var == f"{slug.upper()}_API_KEY"
    assert provider.headers("secret-1234").keys() <= {
        "Authorization",
        "x-api-key",
        "anthropic-version",
        "x-goog-api-key",
    }


def test_who_needs_translation_is_not_relayed() -> None:
    assert {slug for slug, provider in PROVIDERS.items() if not provider.speaks_openai} == {
        "anthropic",
        "google",
    }


def test_another_provider_goes_by_its_name_through_litellm() -> None:
    provider = provider_for("perplexity")

    assert is_known("perplexity")
    assert (provider.litellm_prefix, provider.speaks_openai, provider.api_base) == ("perplexity", False, "")
    assert not is_known("acme")


def test_nothing_is_overridden_by_default() -> None:
    assert settings.PROVIDER_API_BASES == {}
    assert not any(provider_for(slug).is_overridden for slug in PROVIDERS)
