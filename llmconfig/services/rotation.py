"""Rotating a provider key: the next version is tried at the provider, then switched to; the former is kept a while.

No transaction is open while a provider is asked: what was decided on is compared with what is stored once the row is
locked. Calls go on meanwhile: those that began keep the key that they began with, which is still good at the provider.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from llmconfig.errors import KeyRefused, KeyUnreadable, NoSuchVersion, VersionNotFit
from llmconfig.models import ProviderKey
from llmconfig.services import key_probe
from llmconfig.services.probe import Probe
from llmconfig.services.rows import locked, save
from opscenter.core import audit, secret_versions, secrets
from opscenter.core.errors import Conflict
from opscenter.core.models import Secret

State = Secret.State
_TABLE = ProviderKey._meta.db_table


Check = Callable[[ProviderKey], None]
"""Called with the locked row before it is changed; what it raises keeps everything as it is."""


def anything(key: ProviderKey) -> None:
    """The Check of whoever does not mind what the row is like."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The key as it is stored now, and what its provider said to the version that was tried."""

    key: ProviderKey
    probe: Probe


def rotate(*, key: ProviderKey, api_key: str, force: bool = False, check: Check = anything) -> Tried:
    """Try `api_key`, then use it. Raises KeyRefused, unless `force`; VersionNotFit where another one is staged."""
    probe = _try(key_probe.try_key(provider=key.known_provider, api_key=api_key), force=force)
    return Tried(replace(key=key, api_key=api_key, check=check), probe)


@transaction.atomic
def replace(*, key: ProviderKey, api_key: str, check: Check = anything) -> ProviderKey:
    """Use `api_key`, which its provider was asked about. Raises VersionNotFit where another one is staged."""
    fresh = _unmoved(key, check)
    return _switch(fresh, _staged(fresh, api_key), action="rotate")


def stage(
    *,
    key: ProviderKey,
    api_key: str,
    activates_at: datetime | None = None,
    force: bool = False,
    check: Check = anything,
) -> Tried:
    """Try `api_key` and keep it beside the one in use, until `activate` or `activates_at`. Raises as `rotate`."""
    probe = _try(key_probe.try_key(provider=key.known_provider, api_key=api_key), force=force)
    with transaction.atomic():
        fresh = _unmoved(key, check)
        fresh.staged_key = _staged(fresh, api_key)
        fresh.activates_at = activates_at
        save(fresh, action="stage")
    return Tried(fresh, probe)


def activate(*, key: ProviderKey, number: int, force: bool = False, check: Check = anything) -> Tried:
    """Use a staged version. Raises KeyRefused, unless `force`; NoSuchVersion, VersionNotFit, KeyUnreadable."""
    return _use(key, number, State.STAGED, action="activate", force=force, check=check)


def revert(*, key: ProviderKey, number: int, force: bool = False, check: Check = anything) -> Tried:
    """Use a version again that was in use before, as long as it is kept. Raises as `activate`."""
    return _use(key, number, State.RETIRED, action="revert", force=force, check=check)


@transaction.atomic
def revoke(*, key: ProviderKey, number: int) -> ProviderKey:
    """Erase a version that is not in use, for good. Raises NoSuchVersion, VersionNotFit."""
    fresh = locked(key)
    version = version_of(fresh, number)
    if not secret_versions.revoke(version):
        raise VersionNotFit(f"Version {number} is {version.get_state_display().lower()}: it can't be revoked.")
    if fresh.staged_key_id == version.pk:
        unstage(fresh)
        save(fresh, action="revoke_version")
    else:
        note_revoked(version)
    return fresh


def version_of(key: ProviderKey, number: int) -> Secret:
    """Raises NoSuchVersion."""
    version = secret_versions.versions_of(key).filter(number=number).first()
    if version is None:
        raise NoSuchVersion(number)
    return version


def note_revoked(version: Secret) -> None:
    """Write into the audit log that a provider key's version is gone."""
    audit.record(
        action="revoke_version",
        entity_type=_TABLE,
        entity_id=version.entity_id,
        before={"version": version.label, "state": version.state},
        after={"state": State.REVOKED.value},
    )


def _try(probe: Probe, *, force: bool) -> Probe:
    if probe.status == "unhealthy" and not force:
        raise KeyRefused(probe.message)
    return probe


def _use(key: ProviderKey, number: int, wanted: Secret.State, *, action: str, force: bool, check: Check) -> Tried:
    version = _in_state(version_of(key, number), wanted)
    if not secrets.is_readable(version, owner=key):
        raise KeyUnreadable
    probe = _try(key_probe.try_version(key=key, version=version), force=force)
    with transaction.atomic():
        fresh = _unmoved(key, check)
        return Tried(_switch(fresh, _in_state(version_of(fresh, number), wanted), action=action), probe)


def _in_state(version: Secret, wanted: Secret.State) -> Secret:
    if version.state != wanted:
        is_ = version.get_state_display().lower()
        raise VersionNotFit(f"Version {version.number} is {is_}, and not {wanted.label.lower()}.")
    return version


def _unmoved(key: ProviderKey, check: Check) -> ProviderKey:
    """The row, locked. What was tried at one provider is not used for another."""
    fresh = locked(key)
    check(fresh)
    if fresh.provider != key.provider:
        raise Conflict("Somebody else changed the provider at the same moment: look again.")
    return fresh


def _staged(key: ProviderKey, api_key: str) -> Secret:
    if key.staged_key is not None:
        raise VersionNotFit(f"{key.staged_key.label} is staged: activate or revoke it first.")
    return secrets.seal(api_key, owner=key, is_staged=True)


def _switch(key: ProviderKey, version: Secret, *, action: str) -> ProviderKey:
    former = key.encrypted_key
    if not secret_versions.activate(version, owner=key):
        raise VersionNotFit(f"Version {version.number} was revoked meanwhile.")
    if former is not None:
        secret_versions.keep_until(former, timezone.now() + key.grace)
    key.encrypted_key = version
    key.rotation_due_at = key.rotation_due(version.in_use_since)
    if key.staged_key_id == version.pk:
        unstage(key)
    save(key, action=action)
    return key


def unstage(key: ProviderKey) -> None:
    """Have `key` point to no staged version; the caller saves."""
    key.staged_key, key.activates_at, key.activation_refusal = None, None, ""
