"""Refunds, ours and those started at Stripe: one function applies what Stripe says of one, whoever brings it."""

from typing import Any

from credits.errors import Contradiction
from credits.models import Purchase, Reversal
from credits.stripe import payloads, reversals

_TAKES = ("succeeded", "pending", "requires_action")
_FAILED = ("failed", "canceled")


def apply(refund: dict[str, Any]) -> bool:
    """Take back what `refund` paid back, or return it where it failed; True where credits moved.

    Inside `audit.writing()`. Raises what reversals.locked raises. What failed stays failed, whatever comes later.
    """
    purchase = reversals.locked(refund)
    amount, status = reversals.amount_of(refund), refund.get("status")
    if amount > purchase.amount_minor:
        raise Contradiction(f"{refund['id']} is of {amount}, the purchase of {purchase.amount_minor}.")
    if status not in (*_TAKES, *_FAILED):
        raise Contradiction(f"{refund['id']} is {status!r}, which means nothing here.")
    reversal = _known(purchase, refund) or Reversal(
        purchase=purchase, kind=Reversal.Kind.REFUND, state=Reversal.State.REQUESTED, amount_minor=amount
    )
    if reversal.amount_minor != amount:
        raise Contradiction(f"{refund['id']} is of {amount}, and {reversal.amount_minor} were asked for.")
    reversal.stripe_id = refund["id"]
    why = refund.get("failure_reason") or refund.get("reason") or ""
    return _fail(purchase, reversal, why) if status in _FAILED else _take(purchase, reversal, why)


def _known(purchase: Purchase, refund: dict[str, Any]) -> Reversal | None:
    """By Stripe's id, or by ours, which our own refunds carry."""
    of_purchase = Reversal.objects.filter(purchase=purchase, kind=Reversal.Kind.REFUND)
    if known := of_purchase.filter(stripe_id=refund["id"]).first():
        return known
    ours = payloads.named(refund, payloads.REVERSAL)
    return of_purchase.filter(pk=ours, stripe_id=None).first() if ours else None


def _take(purchase: Purchase, reversal: Reversal, why: str) -> bool:
    if reversal.state in (Reversal.State.TAKEN, Reversal.State.RETURNED) or _has_failed_at_stripe(reversal):
        return False
    reversal.state = Reversal.State.TAKEN
    reason = reversal.reason or f"Refund, {why or 'started at Stripe'}"
    return reversals.book(purchase, reversal, key=f"stripe:re:{reversal.stripe_id}", reason=reason)


def _fail(purchase: Purchase, reversal: Reversal, why: str) -> bool:
    if reversal.state == Reversal.State.RETURNED or _has_failed_at_stripe(reversal):
        return False
    took = reversal.state == Reversal.State.TAKEN
    reversal.state = Reversal.State.RETURNED if took else Reversal.State.FAILED
    reversal.returned_minor = reversal.amount_minor
    reason = f"The refund failed: {why or 'no reason given'}"
    return reversals.book(purchase, reversal, key=f"stripe:re:{reversal.stripe_id}:failed", reason=reason)


def _has_failed_at_stripe(reversal: Reversal) -> bool:
    """A request that was given up here may have been done there all the same."""
    return reversal.state == Reversal.State.FAILED and reversal.returned_minor > 0
