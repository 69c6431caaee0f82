"""What becomes of a secret's versions: staged, active, retired, revoked. core.secrets seals and reveals them.

Everybody who changes the versions of a row holds the row's lock, except for `revoke`, which looks for itself.
"""

from datetime import datetime

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from opscenter.core import secrets
from opscenter.core.models import Secret

State = Secret.State
REVOCABLE = (State.STAGED, State.RETIRED)


def versions_of(owner: models.Model) -> QuerySet[Secret]:
    """The newest first."""
    return Secret.objects.filter(entity_type=owner._meta.db_table, entity_id=str(owner.pk)).order_by("-number")


def activate(secret: Secret, *, owner: models.Model) -> bool:
    """Make a staged or retired `secret` the active one of `owner`, whose former is retired; False where it was revoked
    meanwhile."""
    secrets.retire(owner=owner)
    found = Secret.objects.filter(pk=secret.pk, state__in=REVOCABLE)
    done = found.update(state=State.ACTIVE, activated_at=timezone.now(), retired_at=None, kept_until=None)
    secret.refresh_from_db()
    return bool(done)


def keep_until(secret: Secret, moment: datetime) -> None:
    """Have a retired secret revoked then, and not before."""
    Secret.objects.filter(pk=secret.pk, state=State.RETIRED).update(kept_until=moment)


def revoke(secret: Secret, *, due_by: datetime | None = None) -> bool:
    """Erase the ciphertext of a staged or retired secret, for good. False where it is in use or erased already; with
    `due_by` also where it is kept for longer than that."""
    found = Secret.objects.filter(pk=secret.pk, state__in=REVOCABLE)
    if due_by is not None:
        found = found.filter(kept_until__lte=due_by)
    return bool(found.update(state=State.REVOKED, ciphertext=b"", kept_until=None))


def overdue(now: datetime) -> QuerySet[Secret]:
    """The retired ones that were kept long enough, the longest overdue first."""
    return Secret.objects.filter(state=State.RETIRED, kept_until__lte=now).order_by("kept_until", "pk")
