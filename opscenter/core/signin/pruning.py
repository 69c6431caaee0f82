"""Deletes what signing in left behind and nothing asks for any more. Called by the worker; safe at any time."""

from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from opscenter.core.signin import lockouts

# Rows of one transaction, so that sign-ins don't wait for a long one.
_BATCH = 500


def prune_sessions() -> int:
    """Delete sessions that ran out; returns how many."""
    return _delete(Session.objects.filter(expire_date__lte=timezone.now()))


def prune_failures() -> int:
    """Delete failed sign-ins that count no more; returns how many rows."""
    return _delete(lockouts.uncounted())


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while batch := list(rows.order_by().values_list("pk", flat=True)[:_BATCH]):
        rows.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted
