"""What becomes due by itself: staged keys go into use, kept ones are erased, old ones are told of. The worker calls it.

Everything is idempotent: what a second call finds is no longer due.
"""

import logging
from datetime import datetime

from django.utils import timezone

from llmconfig.models import ProviderKey
from llmconfig.services import rotation
from opscenter.core import audit, secret_versions
from opscenter.core.errors import Conflict, NotFound, ServiceError

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 50
_MOST_REFUSAL = 300


def activate() -> int:
    """Use every staged key whose time has come; returns how many. One that its provider refuses stays staged, with
    the reason, and is tried again by the next call."""
    due = ProviderKey.objects.due_for_activation(timezone.now()).with_secret()
    # Those that were refused before come last, lest they keep the others waiting.
    return sum(_activate(key) for key in due.order_by("activation_refusal", "activates_at", "pk")[:_MOST_AT_ONCE])


def revoke() -> int:
    """Erase the versions that were kept for long enough; returns how many."""
    table = ProviderKey._meta.db_table
    overdue = secret_versions.overdue(timezone.now()).filter(entity_type=table)
    done = 0
    for version in overdue[:_MOST_AT_ONCE]:
        with audit.writing():
            if secret_versions.revoke(version, due_by=timezone.now()):
                rotation.note_revoked(version)
                done += 1
    return done


def remind(now: datetime | None = None) -> int:
    """Log a warning for every key that is due for rotation; returns how many. The front page shows them too."""
    due = ProviderKey.objects.platform().due_for_rotation(now or timezone.now()).order_by("rotation_due_at", "pk")
    for key in due.iterator():
        log.warning("%s is due for rotation since %s", key, f"{key.rotation_due_at:%Y-%m-%d}")
    return due.count()


def _activate(key: ProviderKey) -> bool:
    assert key.staged_key
    try:
        rotation.activate(key=key, number=key.staged_key.number)
    except (Conflict, NotFound):
        # Somebody was quicker: used, changed or revoked it.
        return False
    except ServiceError as refusal:
        _note(key, getattr(refusal, "reason", refusal.message))
        return False
    return True


def _note(key: ProviderKey, reason: str) -> None:
    """Why it isn't in use: bookkeeping, neither audited nor announced. Logged once, until it changes."""
    reason = reason[:_MOST_REFUSAL]
    still = ProviderKey.objects.filter(pk=key.pk, staged_key=key.staged_key_id).exclude(activation_refusal=reason)
    if still.update(activation_refusal=reason):
        log.error("%s: its staged key was to be in use by now: %s", key, reason)
