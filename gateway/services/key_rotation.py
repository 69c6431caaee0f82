"""Gives a key another secret, while the former goes on working for a grace period: nobody has to switch at once."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from gateway.errors import TooManySecrets
from gateway.models import FormerSecret, VirtualKey
from gateway.services import bounds
from gateway.services.keys import IssuedKey, hash_key, new_secret
from opscenter.core import audit, changes

LONGEST_GRACE_S = 30 * 24 * 3600
MOST_FORMER_SECRETS = 5


def rotate(key: VirtualKey, *, grace_s: int | None = None) -> IssuedKey:
    """`grace_s` from 0 to LONGEST_GRACE_S, VIRTUAL_KEY_GRACE_S unless given. 0 ends every former secret at once.

    No former secret outlives the key; each ends on every worker by itself. Raises KeyEnded, TooManySecrets.
    """
    with audit.writing():
        row = VirtualKey.objects.select_for_update().get(pk=key.pk)
        bounds.rights_of(row)
        _retire(row, grace_s=settings.VIRTUAL_KEY_GRACE_S if grace_s is None else grace_s)
        plaintext = new_secret(row.kind, row.public_id)
        row.secret_hash = hash_key(plaintext)
        row.rotated_at = timezone.now()
        changes.save(row, action="rotate")
    return IssuedKey(row, plaintext)


def _retire(row: VirtualKey, *, grace_s: int) -> None:
    if not grace_s:
        row.former_secrets.all().delete()
        row.grace_ends_at = None
        return
    if row.former_secrets.live().count() >= MOST_FORMER_SECRETS:
        raise TooManySecrets(most=MOST_FORMER_SECRETS)
    ends_at = timezone.now() + timedelta(seconds=grace_s)
    FormerSecret.objects.create(key=row, secret_hash=row.secret_hash, expires_at=ends_at)
    row.grace_ends_at = max(ends_at, row.grace_until or ends_at)
