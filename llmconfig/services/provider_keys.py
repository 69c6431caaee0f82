"""Provider keys: writing and testing them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from llmconfig.models import ProviderKey
from llmconfig.services import probe
from llmconfig.services.in_use import refuse_if_used
from llmconfig.services.probe import Probe
from llmconfig.services.rows import locked, store
from opscenter.core import changes, secrets
from opscenter.core.errors import Unprocessable


def create(*, fields: Mapping[str, Any], api_key: str) -> ProviderKey:
    return store(ProviderKey(), fields, secrets_for={"encrypted_key": api_key})


def update(*, key: ProviderKey, fields: Mapping[str, Any], api_key: str | None = None) -> ProviderKey:
    """`api_key` None leaves the secret. Raises Unprocessable for another provider without another key."""
    with transaction.atomic():
        fresh = locked(key)
        if api_key is None and fields.get("provider", fresh.provider) != fresh.provider:
            raise Unprocessable("Another provider needs another key: give api_key too.", param="api_key")
        return store(key, fields, secrets_for={"encrypted_key": api_key} if api_key else None)


def delete(*, key: ProviderKey) -> None:
    """Raises InUse."""
    with transaction.atomic():
        fresh = locked(key)
        refuse_if_used(fresh)
        changes.delete(fresh)


def test_key(*, key: ProviderKey) -> Probe:
    """Make the provider's free call that needs the key: its list of models, where it has one."""
    provider = key.known_provider
    if not provider.api_base or not provider.check_path:
        return Probe(status="unknown", message=f"There is no free call known to test a key of {provider.name} with.")
    if key.encrypted_key is None:
        return Probe(status="unhealthy", message="No API key is stored.")
    try:
        headers = provider.headers(secrets.reveal(key.encrypted_key, owner=key))
    except secrets.SecretUnreadable:
        return probe.UNREADABLE
    url = f"{provider.api_base}{provider.check_path}"
    if not provider.check_path.endswith("/models"):
        return probe.ping(url=url, headers=headers, policy=provider.policy)
    return probe.list_models(url=url, headers=headers, policy=provider.policy)
