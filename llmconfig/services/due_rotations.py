"""What becomes due by itself: staged keys go into use, kept ones are erased, old ones are told of. The worker calls it.

Everything is idempotent: what a second call finds is no longer due.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from llmconfig.health import alerts
from llmconfig.models import ProviderKey
from llmconfig.models.provider_key import ProviderKeyQuerySet
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
    """Tell of the keys that are due for rotation, in the log and as alerts; returns how many. Each is told of once a
    week until it is rotated."""
    now = now or timezone.now()
    due = ProviderKey.objects.due_for_a_reminder(now).order_by("rotation_due_at", "pk")
    return sum(_remind(key, due, now) for key in due)


@transaction.atomic
def _remind(key: ProviderKey, due: ProviderKeyQuerySet, now: datetime) -> bool:
    if not due.filter(pk=key.pk).update(rotation_reminded_at=now):
        # Another worker was quicker.
        return False
    log.warning("%s is due for rotation since %s", key, f"{key.rotation_due_at:%Y-%m-%d}")
    alerts.queue_reminder(key)
    return True


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
