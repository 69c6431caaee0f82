"""Refunds that an operator starts: the credits are held first, then the money is paid back, then the credits are taken.

If the process dies in between, the sweep lets the hold go and `go_on()` takes the request up again: first it looks
whether Stripe has the refund already. Stripe is asked under the request's id, so that it pays back once.
"""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from credits import amounts
from credits.errors import RefundRefused, StripeRefused, StripeUnavailable
from credits.ledger import book
from credits.ledger.moves import Held, Outcome, Reserve, Void
from credits.models import Hold, Purchase, Reversal
from credits.stripe import client, payloads, posting, refunds, signs_of_life
from opscenter.core import audit
from opscenter.core.errors import Conflict, ServiceError
from opscenter.core.ids import uuid7

log = logging.getLogger(__name__)
_PATIENCE = timedelta(minutes=2)
"""Longer than all attempts of one request take."""
_AT_ONCE = 100
_OPEN = Q(state=Reversal.State.REQUESTED) | Q(state=Reversal.State.TAKEN)


def request_refund(
    *,
    purchase: Purchase,
    amount_minor: int | None = None,
    reason: str,
    allow_debt: bool = False,
    id: UUID | None = None,
) -> Reversal:
    """Pay `amount_minor` of the price back, all that is left unless given, and take the credits for it.

    Once per `id`: a repetition returns what stands, and raises Conflict where that is something else.
    Spent credits can't be held: RefundRefused, unless `allow_debt`, which makes the buyer owe them. Where Stripe can't
    be reached the request stays REQUESTED, and the worker goes on with it. Raises StripeRefused where Stripe won't.
    """
    client.require()
    id = id or uuid7()
    with audit.writing():
        if earlier := Reversal.objects.filter(pk=id).first():
            return _same(earlier, purchase, amount_minor)
        reversal = _begin(id, purchase.pk, amount_minor, reason.strip(), allow_debt)
    return _send(reversal)


def go_on() -> int:
    """Go on with what was begun and not finished, with what was not tried for the longest time first; returns how many
    are finished now. Idempotent.
    """
    old = Reversal.objects.filter(state=Reversal.State.REQUESTED, updated_at__lt=timezone.now() - _PATIENCE)
    return sum(_gone_on(reversal) for reversal in old.select_related("purchase").order_by("updated_at")[:_AT_ONCE])


def _gone_on(reversal: Reversal) -> bool:
    Reversal.objects.filter(pk=reversal.pk).update(updated_at=timezone.now())
    try:
        if not _found_at_stripe(reversal) and _held_again(reversal):
            _send(reversal)
    except ServiceError as error:
        log.warning("Refund %s of purchase %s: %s", reversal.pk, reversal.purchase_id, error.message)
    reversal.refresh_from_db()
    return reversal.state != Reversal.State.REQUESTED


def _same(earlier: Reversal, purchase: Purchase, amount_minor: int | None) -> Reversal:
    if earlier.purchase_id != purchase.pk or amount_minor not in (None, earlier.amount_minor):
        raise Conflict(
            "This was submitted before for another amount or purchase: nothing was paid back now. Begin anew.",
            code="idempotency_key_reused",
        )
    if earlier.state == Reversal.State.FAILED:
        raise RefundRefused(f"This was submitted before, and failed: {earlier.reason} Begin anew.")
    return earlier


def _begin(id: UUID, purchase_id: Any, amount_minor: int | None, reason: str, allow_debt: bool) -> Reversal:
    purchase = Purchase.objects.select_for_update().get(pk=purchase_id)
    reversal = Reversal(
        id=id,
        purchase=purchase,
        kind=Reversal.Kind.REFUND,
        state=Reversal.State.REQUESTED,
        amount_minor=_amount(purchase, amount_minor),
        allow_debt=allow_debt,
        reason=reason,
        actor=audit.current_actor().name,
    )
    reversal.hold_id = _hold(purchase, reversal)
    reversal.save(force_insert=True)
    _audit(reversal, "refund_requested")
    return reversal


def _amount(purchase: Purchase, wanted: int | None) -> int:
    if purchase.state != Purchase.State.PAID:
        raise RefundRefused("It has not been paid, so there is nothing to pay back.")
    if purchase.livemode != settings.STRIPE_LIVEMODE:
        raise RefundRefused("It was paid in another mode than the one that our key is for.")
    left = max(0, purchase.amount_minor - _gone(purchase))
    amount = left if wanted is None else wanted
    if not 0 < amount <= left:
        raise RefundRefused(
            f"Of {purchase.amount_minor}, {left} can still be paid back.", details={"refundable_minor": left}
        )
    return amount


def _gone(purchase: Purchase) -> int:
    """What of the price is with the buyer again, or was asked for."""
    return sum(one.amount_minor - one.returned_minor for one in purchase.reversals.filter(_OPEN))


def _hold(purchase: Purchase, reversal: Reversal) -> Any:
    """The id of the hold; None where there is nothing to hold, or it may become debt."""
    before = _gone(purchase)
    needed = purchase.due_nano(before + reversal.amount_minor) - purchase.due_nano(before)
    if not needed:
        return None
    outcome = _reserved(purchase, needed)
    if isinstance(outcome, Held):
        return outcome.hold_id
    if reversal.allow_debt:
        return None
    available = amounts.to_text(getattr(outcome, "available", 0))
    raise RefundRefused(
        f"It takes {amounts.to_text(needed)} credits, and {available} are available. Allow debt, and the buyer owes "
        "what is missing.",
        code="credits_spent",
        details={"needed": amounts.to_text(needed), "available": available},
    )


def _reserved(purchase: Purchase, amount: int) -> Outcome:
    """An operator's freeze keeps nobody from being paid back."""
    move = Reserve(uuid7(), purchase.account_id, None, amount, amount, although_frozen=True)
    (outcome,) = book.apply([move])
    return outcome


def _send(reversal: Reversal) -> Reversal:
    """Ask Stripe for the refund, and apply its answer."""
    purchase = reversal.purchase
    asked: Any = {
        "payment_intent": purchase.payment_intent,
        "amount": reversal.amount_minor,
        "metadata": {payloads.REVERSAL: str(reversal.pk), payloads.PURCHASE: str(purchase.pk)},
    }
    try:
        with client.connected() as stripe, signs_of_life.of(reversal.hold_id):
            answered = stripe.v1.refunds.create(params=asked, options={"idempotency_key": f"refund:{reversal.pk}"})
            refund = client.plain(answered)
    except StripeRefused as error:
        _give_up(reversal, error.message)
        raise
    except StripeUnavailable:
        log.warning("Refund %s was requested, and Stripe has not answered", reversal.pk)
        return reversal
    _apply(refund)
    reversal.refresh_from_db()
    return reversal


def _apply(refund: dict[str, Any]) -> None:
    with audit.writing():
        refunds.apply(refund)


def _found_at_stripe(reversal: Reversal) -> bool:
    with client.connected() as stripe:
        listed = stripe.v1.refunds.list(params={"payment_intent": reversal.purchase.payment_intent or "", "limit": 100})
        found = [client.plain(refund) for refund in listed.auto_paging_iter()]
    ours = [refund for refund in found if payloads.named(refund, payloads.REVERSAL) == reversal.pk]
    for refund in ours:
        _apply(refund)
    return bool(ours)


def _held_again(reversal: Reversal) -> bool:
    """A new hold for one that the sweep ended; False where the request has come to an end meanwhile.

    Raises RefundRefused, the request given up, where credits are spent and the buyer may not owe them.
    """
    with audit.writing():
        purchase = Purchase.objects.select_for_update().get(pk=reversal.purchase_id)
        reversal.refresh_from_db()
        if reversal.state != Reversal.State.REQUESTED:
            return False
        if reversal.hold_id is None or Hold.objects.open().filter(pk=reversal.hold_id).exists():
            return True
        amount = Hold.objects.get(pk=reversal.hold_id).amount
        outcome = _reserved(purchase, amount)
        if isinstance(outcome, Held) or reversal.allow_debt:
            reversal.hold_id = outcome.hold_id if isinstance(outcome, Held) else None
            reversal.save(update_fields=("hold_id", "updated_at"))
            return True
        _end(reversal, "The credits were spent before Stripe was asked.")
    raise RefundRefused("The credits were spent meanwhile.", code="credits_spent")


def _give_up(reversal: Reversal, why: str) -> None:
    with audit.writing():
        Purchase.objects.select_for_update().get(pk=reversal.purchase_id)
        reversal.refresh_from_db()
        if reversal.state == Reversal.State.REQUESTED:
            _end(reversal, why)


def _end(reversal: Reversal, why: str) -> None:
    """FAILED, the hold let go."""
    reversal.state = Reversal.State.FAILED
    reversal.reason = f"{reversal.reason} ({why})".strip()
    reversal.save()
    if reversal.hold_id:
        account_id = reversal.purchase.account_id
        posting.apply(Void(reversal.hold_id, account_id, Hold.FIRST_EPOCH, "refund_failed"))
    _audit(reversal, "refund_failed")


def _audit(reversal: Reversal, action: str) -> None:
    audit.record(
        action=action,
        entity_type=Purchase._meta.db_table,
        entity_id=reversal.purchase_id,
        before={},
        after={"refund": str(reversal.pk), "amount_minor": reversal.amount_minor, "reason": reversal.reason},
    )
