"""The free call by which a provider tells a good key from a bad one."""

from llmconfig.models import ProviderKey
from llmconfig.providers import Provider
from llmconfig.services import probe
from llmconfig.services.probe import Probe, Question
from opscenter.core import secrets
from opscenter.core.models import Secret


def try_version(*, key: ProviderKey, version: Secret) -> Probe:
    """As `try_key`, with a stored one."""
    try:
        return try_key(provider=key.known_provider, api_key=secrets.reveal(version, owner=key))
    except secrets.SecretUnreadable:
        return probe.UNREADABLE


def try_key(*, provider: Provider, api_key: str) -> Probe:
    """Make the provider's free call that needs the key: its list of models, where it has one. "unknown" without one."""
    return probe.answer(question(provider=provider, api_key=api_key)) if has_free_call(provider) else untold(provider)


def question(*, provider: Provider, api_key: str) -> Question:
    """Of a provider that has a free call."""
    wants_models = provider.check_path.endswith("/models")
    url = f"{provider.api_base}{provider.check_path}"
    return Question(url, provider.headers(api_key), provider.policy, wants_models=wants_models)


def has_free_call(provider: Provider) -> bool:
    return bool(provider.api_base and provider.check_path)


def untold(provider: Provider) -> Probe:
    return Probe(status="unknown", message=f"There is no free call known to test a key of {provider.name} with.")
