"""What becomes due by itself: staged keys go into use, kept ones are erased, old ones are told of. The worker calls it.

Everything is idempotent: what a second call finds is no longer due.
"""

import logging
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
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
    """Tell of the keys that are due for rotation, in the log and in one letter to ALERT_EMAILS; returns how many. Each
    is told of once a week until it is rotated."""
    now = now or timezone.now()
    due = ProviderKey.objects.due_for_a_reminder(now).order_by("rotation_due_at", "pk")
    told = [key for key in due if due.filter(pk=key.pk).update(rotation_reminded_at=now)]
    lines = [f"{key} is due for rotation since {key.rotation_due_at:%Y-%m-%d}" for key in told]
    for line in lines:
        log.warning("%s", line)
    if lines and settings.ALERT_EMAILS:
        _write_to_operators(lines)
    return len(told)


def _write_to_operators(lines: list[str]) -> None:
    letter = EmailMessage(
        subject=f"[Ops-Center] {len(lines)} provider keys are due for rotation",
        body="\n".join(lines) + "\n\nRotate them on their pages in the admin: docs/providers.md says how.\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=settings.ALERT_EMAILS,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        letter.send()
    except (OSError, SMTPException) as error:
        # Without what the server said: it may repeat addresses and passwords.
        log.error("the mail server did not take a reminder of rotations (%s)", type(error).__name__)


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
