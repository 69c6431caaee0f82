"""Sealing and revealing secrets under the key ring BYOK_ENCRYPTION_KEY (Fernet; the first key encrypts, all decrypt).

A ciphertext names its own row and the row it belongs to; one found anywhere else is refused.
"""

import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models
from django.db.models import Max
from django.utils import timezone

from opscenter.core.actor import current_actor
from opscenter.core.ids import uuid7
from opscenter.core.models import Secret


class SecretUnreadable(Exception):
    """The ring does not decrypt this secret, or it belongs to another row. The message says which."""


def validate_sendable(plaintext: str) -> None:
    """For fields: what no header takes would have every call fail that is to carry it. Raises ValidationError."""
    if not (plaintext.isascii() and plaintext.isprintable()):
        raise ValidationError("A key is ASCII in one line: this has other characters, or a line break.")


def mask(plaintext: str) -> str:
    """`****` and the last four characters; nothing at all of a secret shorter than twelve."""
    return "****" + (plaintext[-4:] if len(plaintext) >= 12 else "")


def key_ring() -> MultiFernet:
    return MultiFernet(ring_keys(settings.BYOK_ENCRYPTION_KEY))


@lru_cache(maxsize=4)
def ring_keys(ring: str) -> tuple[Fernet, ...]:
    """The keys of a ring as BYOK_ENCRYPTION_KEY writes it, the encrypting one first. Raises ImproperlyConfigured."""
    keys = [key.strip() for key in ring.split(",") if key.strip()]
    if not keys:
        raise ImproperlyConfigured("BYOK_ENCRYPTION_KEY is empty: set it to Fernet keys, separated by commas.")
    try:
        return tuple(Fernet(key) for key in keys)
    except ValueError as error:
        raise ImproperlyConfigured(
            "BYOK_ENCRYPTION_KEY holds something that is no Fernet key (32 bytes, URL-safe base64)."
        ) from error


def seal(plaintext: str, *, owner: models.Model, is_staged: bool = False) -> Secret:
    """Store `plaintext` as the active secret of `owner` (a saved row), whose former one is retired and kept; or,
    staged, beside the active one.

    Call inside the transaction that changes the owner; its row is what serialises two writers.
    """
    if not is_staged:
        retire(owner=owner)
    entity_type, entity_id = _entity(owner)
    earlier = Secret.objects.filter(entity_type=entity_type, entity_id=entity_id)
    number = (earlier.aggregate(last=Max("number"))["last"] or 0) + 1
    secret_id = uuid7()
    payload = json.dumps([str(secret_id), f"{entity_type}:{entity_id}", plaintext])
    return Secret.objects.create(
        id=secret_id,
        entity_type=entity_type,
        entity_id=entity_id,
        number=number,
        ciphertext=key_ring().encrypt(payload.encode()),
        masked=mask(plaintext),
        state=Secret.State.STAGED if is_staged else Secret.State.ACTIVE,
        activated_at=None if is_staged else timezone.now(),
        created_by_id=current_actor().user_id,
    )


def retire(*, owner: models.Model) -> None:
    """Leave `owner` without an active secret."""
    entity_type, entity_id = _entity(owner)
    Secret.objects.filter(entity_type=entity_type, entity_id=entity_id, state=Secret.State.ACTIVE).update(
        state=Secret.State.RETIRED, retired_at=timezone.now()
    )


def reveal(secret: Secret, *, owner: models.Model) -> str:
    """The plaintext of `secret`, which must be `owner`'s. Raises SecretUnreadable."""
    entity_type, entity_id = _entity(owner)
    try:
        payload = key_ring().decrypt(bytes(secret.ciphertext))
    except InvalidToken as error:
        raise SecretUnreadable(f"no key of the ring decrypts secret {secret.pk}") from error
    secret_id, belongs_to, plaintext = json.loads(payload)
    if secret_id != str(secret.pk) or belongs_to != f"{entity_type}:{entity_id}":
        raise SecretUnreadable(f"secret {secret.pk} was sealed for another row than {entity_type}:{entity_id}")
    return str(plaintext)


def is_readable(secret: Secret, *, owner: models.Model) -> bool:
    """Whether `reveal` would succeed."""
    try:
        reveal(secret, owner=owner)
    except SecretUnreadable:
        return False
    return True


def enclose(plaintext: str, *, owner: models.Model) -> str:
    """`plaintext` sealed for `owner`, as text: for a library that keeps its secrets in a column of its own."""
    payload = json.dumps(["", ":".join(_entity(owner)), plaintext])
    return key_ring().encrypt(payload.encode()).decode()


def disclose(enclosed: str, *, owner: models.Model) -> str:
    """What `enclose` sealed for the same owner. Raises SecretUnreadable."""
    entity = ":".join(_entity(owner))
    try:
        secret_id, belongs_to, plaintext = json.loads(key_ring().decrypt(enclosed))
    except InvalidToken as error:
        raise SecretUnreadable(f"no key of the ring decrypts what {entity} has enclosed") from error
    if secret_id != "" or belongs_to != entity:
        raise SecretUnreadable(f"this was enclosed for another row than {entity}")
    return str(plaintext)


def _entity(owner: models.Model) -> tuple[str, str]:
    return owner._meta.db_table, str(owner.pk)
