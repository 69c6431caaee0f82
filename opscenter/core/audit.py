"""The one writer of the audit log. Each entry is the next link of the chain, in the transaction of its change."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

from opscenter.core import audit_chain
from opscenter.core.actor import Actor, acting_as, current_actor
from opscenter.core.models import AuditEntry, AuditHead

__all__ = ["Actor", "acting_as", "current_actor", "record", "reverting", "vouch", "writing"]


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that will record something: it waits for every other such one at its start.

    Whoever locks rows before they record uses it. One that holds a row while it waits for the chain would keep
    callers from a wallet, or wait for ever for one that has the chain and wants the row.
    """
    with transaction.atomic():
        audit_chain.lock()
        yield


_reverted: ContextVar[int | None] = ContextVar("reverted", default=None)


@contextmanager
def reverting(entry: AuditEntry) -> Iterator[None]:
    """What is recorded inside names the entry that it sets back."""
    token = _reverted.set(entry.number)
    try:
        yield
    finally:
        _reverted.reset(token)


def record(
    *,
    action: str,
    entity_type: str,
    entity_id: object,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> AuditEntry:
    """Append one entry, inside the caller's transaction. Values must be JSON and hold no secret."""
    actor, reverts = current_actor(), _reverted.get()
    return audit_chain.append(
        AuditEntry(
            action=action,
            entity_type=entity_type,
            entity_id=str(entity_id),
            user_id=actor.user_id,
            source=actor.source,
            address=actor.address,
            request_id=actor.request_id,
            changes={"before": dict(before), "after": dict(after)} | ({"reverts": reverts} if reverts else {}),
        )
    )


def vouch() -> bool:
    """Seal the chain's end again, because somebody looked whether it is what it should be; the log says who did.

    False where there is no need, or entries are missing at the end.
    """
    with writing():
        if not audit_chain.seal_again():
            return False
        end = str(audit_chain.lock())
        record(action="vouch", entity_type=AuditHead._meta.db_table, entity_id=1, before={}, after={"end": end})
    return True
