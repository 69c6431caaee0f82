"""The rows of calls with an Idempotency-Key: claimed before the hold, given their answer before the settle.

A claim has no heartbeat of its own. Once there is a hold, that says whether the call goes on, has failed for free, or
was charged; until then the claim counts for LEASE_S.
"""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from credits.amounts import to_text
from credits.models import Hold
from gateway.errors import AnswerLost, CallInProgress, KeyReused
from gateway.models import IdempotentCall
from opscenter.core import secrets


class Answer(msgspec.Struct, array_like=True):
    """A whole answer, as it was sent."""

    headers: dict[str, str]
    content_type: str
    body: bytes


class Wanted(msgspec.Struct, frozen=True):
    """A call with an Idempotency-Key, `key`; `path` says all of whom it asks, `request_id` is this attempt's at it."""

    virtual_key_id: int
    key: str
    path: str
    body: bytes
    request_id: UUID

    @property
    def hash(self) -> str:
        return sha256(self.path.encode() + b"\n" + self.body).hexdigest()


def claim(wanted: Wanted) -> int | Answer:
    """The id of the row, which is `wanted`'s now, or the answer that there is.

    Raises KeyReused (422), CallInProgress (409), AnswerLost (409). Locks the row.
    """
    hash, now = wanted.hash, timezone.now()
    fresh = {"body_hash": hash, "request_id": wanted.request_id, "claimed_at": now}
    rows = IdempotentCall.objects.select_for_update()
    try:
        with transaction.atomic(savepoint=False):
            row, made = rows.get_or_create(virtual_key_id=wanted.virtual_key_id, key=wanted.key, defaults=fresh)
            if made or row.request_id == wanted.request_id:
                return row.pk
            is_old = row.claimed_at < now - timedelta(seconds=settings.IDEMPOTENCY_KEPT_S)
            if row.body_hash != hash and not is_old:
                raise KeyReused
            if row.answer and not is_old:
                return _opened(row)
            _refuse_unless_free(row, is_old=is_old)
            IdempotentCall.objects.filter(pk=row.pk).update(**fresh, answer="")
            return row.pk
    except IntegrityError as error:
        # Whoever had it has just let go of it.
        raise CallInProgress from error


def keep(id: int, request_id: UUID, answer: Answer) -> None:
    """Nothing where somebody else has the row by now."""
    text = msgspec.json.encode(answer).decode()
    sealed = secrets.enclose(text, owner=IdempotentCall(pk=id))
    IdempotentCall.objects.filter(pk=id, request_id=request_id).update(answer=sealed)


def release(id: int, request_id: UUID) -> None:
    """The call wasn't made: the key is as good as new."""
    _delete(IdempotentCall.objects.filter(pk=id, request_id=request_id))


def prune() -> int:
    """Returns how many answers are forgotten, IDEMPOTENCY_KEPT_S after they were asked for."""
    horizon = timezone.now() - timedelta(seconds=settings.IDEMPOTENCY_KEPT_S)
    return _delete(IdempotentCall.objects.filter(claimed_at__lt=horizon))


def _delete(rows: QuerySet[IdempotentCall]) -> int:
    """In one statement, which spares whoever claims a row meanwhile. delete() would read the answers first, since the
    audit log listens to it, and forget what they were chosen by.
    """
    return rows._raw_delete(using=rows.db)


def _opened(row: IdempotentCall) -> Answer:
    try:
        text = secrets.disclose(row.answer, owner=row)
    except secrets.SecretUnreadable as error:
        hold = Hold.objects.filter(pk=row.request_id).first()
        raise AnswerLost(row.request_id, to_text(hold.captured or 0 if hold else 0)) from error
    return msgspec.json.decode(text, type=Answer)


def _refuse_unless_free(row: IdempotentCall, *, is_old: bool) -> None:
    """What was refused or failed may be called again; what was answered, be it for nothing, never under its key."""
    hold = Hold.objects.filter(pk=row.request_id).first()
    if hold is None:
        if row.claimed_at > timezone.now() - timedelta(seconds=settings.LEASE_S):
            raise CallInProgress
    elif hold.is_open:
        raise CallInProgress
    elif hold.state == Hold.State.CAPTURED and not is_old:
        raise AnswerLost(row.request_id, to_text(hold.captured or 0))
