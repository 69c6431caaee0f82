"""The hash chain of the audit log: each entry's hash covers its content and the hash before it.

One row, the head, says how long the chain is and how it ends; its lock is what orders two writers. The head is sealed
under the key ring, which the database does not hold: who can write to the database alone can't vouch for another end.
"""

import hashlib
import ipaddress
import json
from datetime import UTC
from typing import Any

from django.db import transaction

from opscenter.core import secrets
from opscenter.core.models import AuditEntry, AuditHead, User

_FORMAT = 1


def lock() -> AuditHead:
    """The head, locked until the surrounding transaction ends."""
    head = AuditHead.objects.select_for_update().filter(pk=1).first()
    return head or _head_in_place_of_one_removed()


def append(entry: AuditEntry) -> AuditEntry:
    """Save `entry` as the chain's next link."""
    with transaction.atomic():
        head, last = lock(), _last()
        vouched = is_sealed(head)
        # Behind what was written past the chain, which must not keep changes from being made.
        entry.number = 1 + max(head.number, (last and last.number) or 0)
        entry.previous_hash = head.entry_hash
        entry.entry_hash = hash_of(entry)
        entry.save(force_insert=True)
        head.number, head.entry_hash = entry.number, entry.entry_hash
        if vouched:
            # A head that somebody tampered with keeps its broken seal, for verify_audit to find.
            seal(head)
        head.save()
    return entry


def seal_again() -> bool:
    """Seal a head whose seal is broken; False where it isn't, or where it is not what the entries end with.

    Call inside a transaction.
    """
    head, last = lock(), _last()
    if is_sealed(head) or last is None or (last.number, last.entry_hash) != (head.number, head.entry_hash):
        return False
    seal(head)
    head.save()
    return True


def begin() -> None:
    """Make the head of an installation without any entry; does nothing anywhere else.

    Where there are users there were entries: somebody removed them, and no seal vouches for that.
    """
    if not any(model._default_manager.exists() for model in (AuditHead, AuditEntry, User)):
        head = AuditHead()
        seal(head)
        head.save()


def seal(head: Any) -> None:
    head.seal = secrets.enclose(_end(head), owner=head)


def is_sealed(head: AuditHead) -> bool:
    """Whether the head is what this installation last wrote there."""
    try:
        return secrets.disclose(head.seal, owner=head) == _end(head)
    except secrets.SecretUnreadable:
        return False


def hash_of(entry: Any) -> str:
    """SHA-256 over all that an entry says, alike for what is about to be written and what either database returns."""
    content = [
        _FORMAT,
        entry.number,
        entry.previous_hash,
        entry.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.action,
        entry.entity_type,
        entry.entity_id,
        entry.user_id,
        entry.source,
        _packed(entry.address),
        entry.request_id,
        _canonical(json.loads(json.dumps(entry.changes))),
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _packed(address: str | None) -> str | None:
    """An address has several spellings; what is none is kept as it is."""
    try:
        return ipaddress.ip_address(address).packed.hex() if address else None
    except ValueError:
        return address


def _canonical(value: Any) -> Any:
    """PostgreSQL keeps a number's value, and not whether it was written 1e3, 1000.0 or 1000."""
    if isinstance(value, dict):
        return {name: _canonical(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _last() -> AuditEntry | None:
    return AuditEntry.objects.filter(number__isnull=False).order_by("-number").only("number", "entry_hash").first()


def _end(head: Any) -> str:
    return f"{head.number}:{head.entry_hash}"


def _head_in_place_of_one_removed() -> AuditHead:
    """Changes go on where the head is gone, behind the last entry; without a seal."""
    last = _last()
    AuditHead.objects.get_or_create(
        pk=1, defaults={"number": last.number, "entry_hash": last.entry_hash} if last else {}
    )
    return AuditHead.objects.select_for_update().get(pk=1)
