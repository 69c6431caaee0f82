"""How this app's services write one row: on top of what is stored now, not of what was read earlier."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models

from opscenter.core import audit, audit_chain, changes
from opscenter.core.errors import Conflict, NotFound

Row = TypeVar("Row", bound=models.Model)


def store(row: Row, fields: Mapping[str, Any], *, secrets_for: Mapping[str, str | None] | None = None) -> Row:
    """Set `fields` and save; returns the row as stored. Locks it. Raises ValidationError, Conflict."""
    with audit.writing():
        fresh = row if row.pk is None else locked(row)
        for name, value in fields.items():
            setattr(fresh, name, value)
        if fresh.pk is None and hasattr(fresh, "created_by_id"):
            fresh.created_by_id = audit.current_actor().user_id
        save(fresh, secrets_for=secrets_for)
    return fresh


def save(row: models.Model, *, action: str | None = None, secrets_for: Mapping[str, str | None] | None = None) -> None:
    """core.changes.save; Conflict where somebody else took the same name after it was checked."""
    try:
        changes.save(row, action=action, secrets_for=secrets_for)
    except IntegrityError as error:
        raise Conflict("Somebody else changed this at the same moment: look again.") from error


def locked(row: Row) -> Row:
    """The row as it is stored now, locked until the transaction ends, after the audit log. Raises NotFound."""
    audit_chain.lock()
    fresh = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
    if fresh is None:
        raise NotFound("This was deleted meanwhile.")
    return fresh
