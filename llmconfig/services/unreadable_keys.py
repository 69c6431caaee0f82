"""Making way where a key of the ring is lost for good: what nothing opens any more is erased, to be entered again."""

from collections.abc import Iterator

from django.db import models

from llmconfig.models import AIServer, ProviderKey
from llmconfig.services import rotation
from llmconfig.services.rows import locked, save
from opscenter.core import audit, secret_versions, secrets
from opscenter.core.models import Secret

Owner = AIServer | ProviderKey


def find() -> Iterator[tuple[Owner, list[Secret]]]:
    """Everything with versions that the ring doesn't open, and those."""
    models: tuple[type[Owner], ...] = (AIServer, ProviderKey)
    for model in models:
        for row in model._default_manager.order_by("pk").iterator():
            if versions := _unreadable(row):
                yield row, versions


def erase() -> Iterator[tuple[Owner, int]]:
    """Erase them, one row and transaction after the other; what was done so far, as it is done."""
    for row, _ in find():
        with audit.writing():
            fresh: Owner = locked(row)
            versions = _unreadable(fresh)
            _let_go(fresh, {version.pk for version in versions})
            for version in versions:
                secret_versions.revoke(version)
        yield fresh, len(versions)


def _unreadable(row: models.Model) -> list[Secret]:
    stored = secret_versions.versions_of(row).exclude(state=Secret.State.REVOKED)
    return [version for version in stored if not secrets.is_readable(version, owner=row)]


def _let_go(row: Owner, ids: set[object]) -> None:
    """Have `row` point to none of them."""
    active = row.api_key if isinstance(row, AIServer) else row.encrypted_key
    if active is not None and active.pk in ids:
        secrets.retire(owner=row)
        setattr(row, "api_key" if isinstance(row, AIServer) else "encrypted_key", None)
    if isinstance(row, ProviderKey) and row.staged_key_id in ids:
        rotation.unstage(row)
    save(row, action="erase_unreadable")
