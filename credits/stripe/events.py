"""Stripe's events: inserted first, under their own id, which is what lets only one of many deliveries in; then applied,
in the same transaction. One that can't be applied yet is kept and tried again.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from credits.errors import Contradiction, PurchaseUnknown
from credits.models import StripeEvent
from credits.services import notices
from credits.stripe import handling, payloads, payments
from opscenter.core import audit
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)
State = StripeEvent.State
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=6)
_MOST_DOUBLINGS = 10
_UNEXPECTED = (ServiceError, LookupError, TypeError, ValueError, AttributeError, IntegrityError, DataError)


def receive(event: dict[str, Any]) -> StripeEvent:
    """Keep and apply a verified event. One that was finished before is returned as it stands.

    Raises what the database raises where it is away: then nothing is kept, and Stripe sends it again.
    """
    if (known := StripeEvent.objects.filter(pk=event["id"]).first()) and known.is_finished:
        return known
    if event["type"] not in handling.HANDLERS:
        return _insert(event, State.UNKNOWN)
    with audit.writing():
        row = _insert(event, State.RECEIVED)
        if row.state == State.UNKNOWN:
            row.payload = payloads.kept(event)
        if not row.is_finished:
            _attempt(row)
    return row


def attempt(event_id: str, *, payload: dict[str, Any] | None = None) -> StripeEvent:
    """Try to apply a kept event again, whatever it waits for; by `payload` where Stripe has told it once more.

    Raises StripeEvent.DoesNotExist.
    """
    with audit.writing():
        row = StripeEvent.objects.select_for_update().get(pk=event_id)
        if not row.is_finished:
            if payload is not None:
                row.payload = payloads.kept(payload)
                row.payment_intent = payloads.payment_of(payload["data"]["object"])
            _attempt(row)
    return row


def settle(session: dict[str, Any]) -> bool:
    """Grant what a session has paid for, and apply what came before it; True where this call did."""
    with audit.writing():
        granted = payments.settle(session)
        if granted:
            _wake(payloads.payment_of(session))
    return granted


def postpone(event_id: str) -> None:
    """It can't even be tried now."""
    row = StripeEvent.objects.get(pk=event_id)
    still = StripeEvent.objects.filter(pk=event_id, state=row.state, attempts=row.attempts)
    still.update(attempts=row.attempts + 1, next_try_at=timezone.now() + _pause(row.attempts + 1))


def dismiss(row: StripeEvent, why: str) -> None:
    """It is of no concern, as Stripe itself has said since."""
    still = StripeEvent.objects.filter(pk=row.pk, state=State.WAITING)
    still.update(state=State.IGNORED, error=why, next_try_at=None, finished_at=timezone.now())
    row.refresh_from_db()


def _insert(event: dict[str, Any], state: StripeEvent.State) -> StripeEvent:
    """The event's row, locked: a new one, or the one that another delivery has made."""
    row = StripeEvent(
        id=event["id"],
        type=event["type"],
        livemode=event["livemode"],
        created=datetime.fromtimestamp(event["created"], UTC),
        payload=payloads.kept(event),
        payment_intent=payloads.payment_of(event["data"]["object"]),
        state=state,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        with transaction.atomic():
            return StripeEvent.objects.select_for_update().get(pk=event["id"])
    return row


def _attempt(row: StripeEvent) -> None:
    row.attempts += 1
    state, why = State.APPLIED, ""
    granted = False
    try:
        with transaction.atomic():
            granted = handling.apply(row.payload)
    except PurchaseUnknown as error:
        state, why = State.WAITING, error.message
    except Contradiction as error:
        state, why = State.REFUSED, error.message
    except handling.NotOurs as error:
        state, why = State.IGNORED, str(error)
    except handling.UnknownType:
        state = State.UNKNOWN
    except _UNEXPECTED as error:
        state, why = State.FAILED, f"{type(error).__name__}: {error}"[:1000]
    _end(row, state, why)
    if granted:
        _wake(row.payment_intent)


def _end(row: StripeEvent, state: StripeEvent.State, why: str) -> None:
    row.state, row.error = state, why
    is_open = state in (State.WAITING, State.FAILED)
    row.next_try_at = timezone.now() + _pause(row.attempts) if is_open else None
    row.finished_at = None if is_open or state == State.UNKNOWN else timezone.now()
    row.save()
    if state in (State.REFUSED, State.FAILED):
        log.error("Stripe's event %s (%s) moved nothing: %s", row.pk, row.type, why)
        notices.of_stripe_event(row)


def _wake(payment: str) -> None:
    """Apply what waited for this payment, in the order in which it happened."""
    waiting = StripeEvent.objects.select_for_update().filter(state=State.WAITING, payment_intent=payment)
    for row in waiting.order_by("created", "id"):
        _attempt(row)


def _pause(attempts: int) -> timedelta:
    doublings: int = min(attempts - 1, _MOST_DOUBLINGS)
    pause: timedelta = _FIRST_PAUSE * 2**doublings
    return min(pause, _LONGEST_PAUSE)
