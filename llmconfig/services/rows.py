"""How this app's services write one row: on top of what is stored now, not of what was read earlier."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models, transaction

from opscenter.core import changes
from opscenter.core.audit import current_actor

Row = TypeVar("Row", bound=models.Model)


def store(row: Row, fields: Mapping[str, Any], *, secrets_for: Mapping[str, str | None] | None = None) -> Row:
    """Set `fields` and save; returns the row as stored. Locks it. Raises django's ValidationError."""
    with transaction.atomic():
        fresh = row if row.pk is None else locked(row)
        for name, value in fields.items():
            setattr(fresh, name, value)
        if fresh.pk is None and hasattr(fresh, "created_by_id"):
            fresh.created_by_id = current_actor().user_id
        changes.save(fresh, secrets_for=secrets_for)
    return fresh


def locked(row: Row) -> Row:
    """The row as it is stored now, locked until the transaction ends."""
    return type(row)._default_manager.select_for_update().get(pk=row.pk)
