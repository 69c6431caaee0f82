"""The one way in which configuration is written: checked, saved, audited and announced in one transaction.

Admin, REST API, commands and tasks all come through here, so that none of them can forget the audit log or the
version row that tells every worker to read anew.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.db import models
from django.db.models import F

from opscenter.core import audit, secrets
from opscenter.core.models import ConfigVersion, Secret

_UNTOLD = {"version", "created_at", "updated_at", "last_login"}
_HASHED = {"password", "secret_hash"}
_hooks: dict[type[models.Model], list[Callable[[models.Model], None]]] = defaultdict(list)


def on_saved(model: type[models.Model], hook: Callable[[models.Model], None]) -> None:
    """Have `hook(row)` called inside the transaction in which `save` saves a row of `model`. For AppConfig.ready."""
    if hook not in _hooks[model]:
        _hooks[model].append(hook)


def save(
    instance: models.Model,
    *,
    action: str | None = None,
    secrets_for: Mapping[str, str | None] | None = None,
    announce: bool = True,
) -> None:
    """Validate and save `instance`, write the audit entry, count the version row up.

    `secrets_for` names foreign keys to Secret and their new plaintext: "" or None removes the secret. `action` is
    "create" or "update" unless given. `announce=False` leaves the version row alone, for what no worker's snapshot
    needs to know at once. Raises django's ValidationError; writes nothing where nothing changed.
    """
    with audit.writing():
        stored = _locked(instance)
        before = describe(stored) if stored else {}
        instance.full_clean(exclude=list(secrets_for or ()))
        if stored is not None and not secrets_for and describe(instance) == before:
            return
        if stored is not None and hasattr(instance, "version"):
            instance.version = cast(Any, stored).version + 1
        instance.save()
        _seal_all(instance, secrets_for or {})
        _record(instance, action or ("update" if stored else "create"), before, describe(instance))
        for hook in _hooks.get(instance.__class__, ()):
            hook(instance)
        if announce:
            bump()


def delete(instance: models.Model, *, action: str = "delete") -> None:
    """Delete `instance`; what it was stays in the audit log. Raises ProtectedError where it is in use."""
    with audit.writing():
        before = describe(instance)
        entity_type, entity_id = instance._meta.db_table, instance.pk
        owns_secrets = any(field.related_model is Secret for field in instance._meta.fields)
        instance.delete()
        if owns_secrets:
            Secret.objects.filter(entity_type=entity_type, entity_id=str(entity_id)).delete()
        audit.record(action=action, entity_type=entity_type, entity_id=entity_id, before=before, after={})
        bump()


def bump() -> None:
    """Tell every worker that its snapshot is old, once the surrounding transaction commits."""
    ConfigVersion.objects.filter(pk=1).update(version=F("version") + 1)


def describe(instance: models.Model) -> dict[str, Any]:
    """The fields of `instance` as JSON values: secrets masked, hashes left out, bookkeeping left out."""
    return {
        field.name: _plain(instance, field)
        for field in instance._meta.concrete_fields
        if not field.primary_key and field.name not in _UNTOLD
    }


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of two descriptions, what differs: (before, after)."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def _locked(instance: models.Model) -> models.Model | None:
    if instance.pk is None:
        return None
    manager = instance.__class__._default_manager
    return manager.select_for_update(of=("self",)).filter(pk=instance.pk).first()


def _seal_all(instance: models.Model, plaintexts: Mapping[str, str | None]) -> None:
    for name, plaintext in plaintexts.items():
        if plaintext:
            setattr(instance, name, secrets.seal(plaintext, owner=instance))
        else:
            secrets.retire(owner=instance)
            setattr(instance, name, None)
    if plaintexts:
        instance.save(update_fields=list(plaintexts))


def _record(instance: models.Model, action: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = difference(before, after)
    audit.record(
        action=action,
        entity_type=instance._meta.db_table,
        entity_id=instance.pk,
        before=old,
        after=new,
    )


def _plain(instance: models.Model, field: "models.Field[Any, Any]") -> Any:
    if field.name in _HASHED:
        return "(hidden)"
    if field.related_model is Secret:
        secret = getattr(instance, field.name)
        return None if secret is None else secret.label
    value = getattr(instance, field.attname)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
