"""Consumers' own provider keys, as owners and operators change them. Whether the tier allows it is the API's affair.

A key is stored once its provider has taken it; nobody can force one that it refuses.
"""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from llmconfig.errors import KeyNotTaken, ProviderNotOffered
from llmconfig.health import recording
from llmconfig.models import ProviderHealth, ProviderKey
from llmconfig.models.health import Status
from llmconfig.providers import PROVIDERS, Provider, provider_for
from llmconfig.services import key_probe, key_trials, provider_keys, rotation
from llmconfig.services.probe import Probe
from llmconfig.services.rotation import Check
from llmconfig.services.rows import store
from opscenter.core import audit
from opscenter.core.errors import Conflict
from opscenter.core.models import User

MOST = 20
"""Of one owner: every worker keeps all of them in memory."""

_REFUSED = Probe(status="unhealthy", message="The provider refused it in a call (401).")


def of(owner: User) -> QuerySet[ProviderKey]:
    return ProviderKey.objects.filter(owner_id=owner.pk).with_secret().select_related("provider_health")


def offered() -> list[Provider]:
    """Those whose keys can be stored: at their known addresses, and with a free call that tells a good key."""
    return [found for slug in PROVIDERS if key_probe.has_free_call(found := provider_for(slug))]


def add(*, owner: User, provider: str, key_name: str, api_key: str, byok_only: bool) -> ProviderKey:
    """Raises ProviderNotOffered, TooManyTrials, KeyNotTaken, Conflict, ValidationError."""
    known = next((one for one in offered() if one.slug == provider), None)
    if known is None:
        raise ProviderNotOffered(provider, [one.slug for one in offered()])
    _refuse_more(owner)
    probe = _taken(known, api_key, owner=owner)
    fields = {"provider": provider, "key_name": key_name, "owner": owner, "byok_only": byok_only}
    with audit.writing():
        _refuse_more(owner)
        key = provider_keys.create(fields=fields, api_key=api_key)
        recording.record_test(key, probe)
    return key


def change(*, key: ProviderKey, values: dict[str, Any]) -> ProviderKey:
    """`key_name`, `enabled` and `byok_only`. Raises Conflict, ValidationError."""
    return store(key, values)


def rotate(*, key: ProviderKey, api_key: str, check: Check = rotation.anything) -> ProviderKey:
    """Use another one, and keep the former for its grace period. Raises TooManyTrials, KeyNotTaken, VersionNotFit."""
    probe = _taken(key.known_provider, api_key, owner=_owner_of(key))
    with transaction.atomic():
        stored = rotation.replace(key=key, api_key=api_key, check=check)
        recording.record_test(stored, probe)
    return stored


def test(*, key: ProviderKey) -> Probe:
    """Raises TooManyTrials."""
    key_trials.begin(_owner_of(key))
    return provider_keys.test_key(key=key)


def remove(*, key: ProviderKey) -> None:
    """With all of its versions. Raises InUse."""
    provider_keys.delete(key=key)


def block(*, key: ProviderKey) -> None:
    """Keep all calls from it until `unblock`, whatever its owner does."""
    _set_blocked(key, is_blocked=True)


def unblock(*, key: ProviderKey) -> None:
    _set_blocked(key, is_blocked=False)


def note_refused(key_ids: Collection[int]) -> None:
    """Have the consumers' own of these be unhealthy until a test or health checks find otherwise."""
    if not key_ids:
        return
    unhealthy = ProviderHealth.objects.filter(status=Status.UNHEALTHY).values("key_id")
    for key in ProviderKey.objects.of_consumers().filter(pk__in=key_ids).exclude(pk__in=unhealthy):
        recording.record_test(key, _REFUSED)


def _set_blocked(key: ProviderKey, *, is_blocked: bool) -> None:
    store(ProviderKey.objects.of_consumers().get(pk=key.pk), {"blocked": is_blocked})


def _refuse_more(owner: User) -> None:
    if ProviderKey.objects.filter(owner_id=owner.pk).count() >= MOST:
        raise Conflict(f"You have {MOST} keys already: remove one first.", code="too_many_provider_keys")


def _owner_of(key: ProviderKey) -> User:
    assert key.owner is not None, "these are keys of consumers"
    return key.owner


def _taken(provider: Provider, api_key: str, *, owner: User) -> Probe:
    key_trials.begin(owner)
    probe = key_probe.try_key(provider=provider, api_key=api_key)
    if probe.status != "healthy":
        raise KeyNotTaken(provider.name, probe.message)
    return probe
