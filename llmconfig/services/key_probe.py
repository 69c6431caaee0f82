"""The free call by which a provider tells a good key from a bad one."""

from llmconfig.models import ProviderKey
from llmconfig.providers import Provider
from llmconfig.services import probe
from llmconfig.services.probe import Probe
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
    if not has_free_call(provider):
        return untold(provider)
    url, headers = f"{provider.api_base}{provider.check_path}", provider.headers(api_key)
    if not provider.check_path.endswith("/models"):
        return probe.ping(url=url, headers=headers, policy=provider.policy)
    return probe.list_models(url=url, headers=headers, policy=provider.policy)


def has_free_call(provider: Provider) -> bool:
    return bool(provider.api_base and provider.check_path)


def untold(provider: Provider) -> Probe:
    return Probe(status="unknown", message=f"There is no free call known to test a key of {provider.name} with.")
