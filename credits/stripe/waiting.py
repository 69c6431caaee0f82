"""Events that couldn't be applied when they came: tried again by the worker, with longer and longer pauses, or by hand.

What an event lacks is asked of Stripe first: the session that its payment belongs to, the refunds of its charge; all of
it, where its type was not known when it came.
"""

import logging
from typing import Any

from django.utils import timezone

from credits.errors import Contradiction, PurchaseUnknown, StripeRefused
from credits.models import Purchase, StripeEvent
from credits.stripe import client, events, handling, refunds
from opscenter.core import audit
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)
_AT_ONCE = 100


def retry_event(*, event_id: str) -> StripeEvent:
    """Ask Stripe for what the event lacks, and apply it; `state` and `error` say what came of it.

    Raises StripeEvent.DoesNotExist, and PurchasesOff, StripeRefused or StripeUnavailable where Stripe doesn't tell.
    """
    row = StripeEvent.objects.get(pk=event_id)
    if row.is_finished:
        return row
    if row.state == StripeEvent.State.UNKNOWN:
        return events.attempt(event_id, payload=_told_again(row))
    if row.payment_intent and row.state == StripeEvent.State.WAITING:
        _ask(row)
    return events.attempt(event_id)


def dismiss(*, event_id: str) -> StripeEvent:
    """Have one wait no longer: it is about another installation's purchase, say. Raises StripeEvent.DoesNotExist."""
    with audit.writing():
        row = StripeEvent.objects.select_for_update().get(pk=event_id)
        if row.state == StripeEvent.State.WAITING:
            events.dismiss(row, "Dismissed by an operator.")
            audit.record(
                action="dismiss",
                entity_type=StripeEvent._meta.db_table,
                entity_id=row.pk,
                before={"state": StripeEvent.State.WAITING.value},
                after={"state": str(row.state)},
            )
    return row


def retry_due() -> int:
    """Try those whose pause is over, and those whose type has become known; returns how many were applied."""
    due = StripeEvent.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at")
    unknown = StripeEvent.objects.filter(state=StripeEvent.State.UNKNOWN, next_try_at=None)
    known = unknown.filter(type__in=list(handling.HANDLERS))
    ids = [id for rows in (due, known.order_by()) for id in rows.values_list("pk", flat=True)[:_AT_ONCE]]
    return sum(_retried(id) for id in ids)


def _retried(event_id: str) -> bool:
    try:
        return retry_event(event_id=event_id).state == StripeEvent.State.APPLIED
    except ServiceError as error:
        log.warning("Stripe's event %s waits on: %s", event_id, error.message)
        events.postpone(event_id)
        return False


def _told_again(row: StripeEvent) -> dict[str, Any] | None:
    """The event as Stripe has it; None for one that it tells no more, as after 30 days: what was kept has to do."""
    if row.type not in handling.HANDLERS:
        return None
    try:
        with client.connected() as stripe:
            return client.plain(stripe.v1.events.retrieve(row.pk))
    except StripeRefused as error:
        log.info("Stripe's event %s is taken as it was kept: %s", row.pk, error.message)
        return None


def _ask(row: StripeEvent) -> None:
    if not Purchase.objects.filter(payment_intent=row.payment_intent, state=Purchase.State.PAID).exists():
        _ask_for_session(row)
    if row.type == "charge.refunded" and not row.is_finished:
        _ask_for_refunds(row.payment_intent)


def _ask_for_session(row: StripeEvent) -> None:
    with client.connected() as stripe:
        found = stripe.v1.checkout.sessions.list(params={"payment_intent": row.payment_intent})
        sessions = [client.plain(session) for session in found.data]
    ours = [session for session in sessions if handling.is_sold_here(session)]
    for session in ours:
        _settled(session)
    if not ours and not row.type.startswith("checkout."):
        events.dismiss(row, "By what Stripe says of its payment, it is about something that is not sold here.")
    else:
        row.refresh_from_db()


def _settled(session: dict[str, Any]) -> None:
    try:
        events.settle(session)
    except (PurchaseUnknown, Contradiction) as error:
        log.warning("Session %s can't be settled: %s", session["id"], error.message)


def _ask_for_refunds(payment: str) -> None:
    with client.connected() as stripe:
        found = stripe.v1.refunds.list(params={"payment_intent": payment, "limit": 100})
        listed = [client.plain(refund) for refund in found.auto_paging_iter()]
    for refund in listed:
        with audit.writing():
            try:
                refunds.apply(refund)
            except (PurchaseUnknown, Contradiction) as error:
                log.warning("Refund %s can't be applied: %s", refund["id"], error.message)
