"""Provider keys: writing and testing them. services.rotation replaces their secrets step by step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from llmconfig.errors import VersionNotFit
from llmconfig.health import questions, recording
from llmconfig.models import ProviderKey
from llmconfig.services.adoption import adopt_waiting
from llmconfig.services.in_use import refuse_if_used
from llmconfig.services.probe import Probe
from llmconfig.services.rotation import note_revoked
from llmconfig.services.rows import locked, store
from opscenter.core import audit, changes, secret_versions
from opscenter.core.errors import Unprocessable


@audit.writing()
def create(*, fields: Mapping[str, Any], api_key: str) -> ProviderKey:
    """The models that waited for a key of this provider are called over it from now on."""
    key = ProviderKey(rotation_interval_days=fields.get("rotation_interval_days"))
    due = {"rotation_due_at": key.rotation_due(timezone.now())}
    stored = store(key, {**fields, **due}, secrets_for={"encrypted_key": api_key})
    adopt_waiting(stored)
    return stored


@transaction.atomic
def update(*, key: ProviderKey, fields: Mapping[str, Any], api_key: str | None = None) -> ProviderKey:
    """`api_key` None leaves the secret; another one is used at once, untried, and the former kept for its grace period.

    Raises Unprocessable for another provider without another key, VersionNotFit while a key of the former is staged.
    """
    former = locked(key)
    moves = fields.get("provider", former.provider) != former.provider
    if moves and api_key is None:
        raise Unprocessable("Another provider needs another key: give api_key too.", param="api_key")
    if "owner" in fields and fields["owner"] != former.owner:
        raise Unprocessable("A key stays with its owner: store it there as another one.", param="owner")
    if moves and former.staged_key is not None:
        raise VersionNotFit(f"{former.staged_key.label} is staged for {former.provider}: revoke it first.")
    due = {"rotation_due_at": _due(former, fields, is_replaced=api_key is not None)}
    stored = store(key, {**fields, **due}, secrets_for={"encrypted_key": api_key} if api_key else None)
    if api_key and former.encrypted_key:
        secret_versions.keep_until(former.encrypted_key, timezone.now() + stored.grace)
    if moves:
        _revoke_former(stored)
    return stored


@transaction.atomic
def delete(*, key: ProviderKey) -> None:
    """Raises InUse."""
    fresh = locked(key)
    refuse_if_used(fresh)
    changes.delete(fresh)


def test_key(*, key: ProviderKey) -> Probe:
    """Try the version in use at the provider, and store how it is; that is no change of its configuration."""
    result = questions.answered(questions.of_key(key))
    recording.record_test(key, result)
    return result


def _due(key: ProviderKey, fields: Mapping[str, Any], *, is_replaced: bool) -> datetime | None:
    changed = ProviderKey(rotation_interval_days=fields.get("rotation_interval_days", key.rotation_interval_days))
    if not is_replaced and changed.rotation_interval_days == key.rotation_interval_days:
        return key.rotation_due_at
    if is_replaced or key.encrypted_key is None:
        return changed.rotation_due(timezone.now())
    return changed.rotation_due(key.encrypted_key.in_use_since)


def _revoke_former(key: ProviderKey) -> None:
    """A key goes to the provider that it was stored for, and no version of it is reverted to for another."""
    for version in secret_versions.versions_of(key):
        if secret_versions.revoke(version):
            note_revoked(version)
