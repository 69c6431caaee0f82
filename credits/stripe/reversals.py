"""Money that went back, in credits: what a purchase's refunds and disputes come to together, whatever their order.

After `minor` units of the price went back, credits * minor // price are taken, at most all. Each change posts the
difference to what was taken before, so that parts, repetitions and rounding never add up to something else.
"""

from typing import Any

from credits import amounts
from credits.errors import Contradiction, PurchaseUnknown
from credits.ledger.moves import Post, Void
from credits.models import Hold, Journal, Purchase, Reversal
from credits.stripe import payloads, posting
from opscenter.core import audit

AGAINST = "refunds"
REFUNDED = "refunded"
_TAKING = {Reversal.Kind.REFUND: Journal.Kind.REFUND, Reversal.Kind.DISPUTE: Journal.Kind.DISPUTE}


def locked(thing: dict[str, Any]) -> Purchase:
    """The paid purchase that `thing` takes from. Raises PurchaseUnknown, and Contradiction for another currency."""
    payment = payloads.payment_of(thing)
    purchases = Purchase.objects.select_for_update(of=("self",)).select_related("account")
    purchase = purchases.filter(payment_intent=payment, state=Purchase.State.PAID).first() if payment else None
    if purchase is None:
        raise PurchaseUnknown(f"Nothing here was paid by {payment or 'a payment without a payment intent'}.")
    if thing.get("currency") != purchase.currency:
        raise Contradiction(
            f"{thing.get('id')} is in {thing.get('currency')!r}, the purchase in {purchase.currency!r}."
        )
    return purchase


def amount_of(thing: dict[str, Any]) -> int:
    amount = thing.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise Contradiction(f"{thing.get('id')} is of {amount!r}.")
    return amount


def book(purchase: Purchase, reversal: Reversal, *, key: str, reason: str) -> bool:
    """Save `reversal`, whose amounts or state changed, and move what it changes; True where credits moved.

    A hold that was made for it ends in the same transaction.
    """
    reversal.save()
    parts = _shares(purchase)
    due = sum(parts.values())
    moves: list[Post | Void] = [_release(purchase, reversal)] if reversal.hold_id else []
    if moved := due - purchase.clawed_nano:
        moves.append(_post(purchase, reversal, moved, key, reason))
    _apply(moves)
    _share(reversal, parts)
    if moved:
        before, purchase.clawed_nano = purchase.clawed_nano, due
        purchase.save(update_fields=("clawed_nano",))
        _audit(purchase, reversal, before, key)
    return bool(moved)


def _shares(purchase: Purchase) -> dict[Reversal, int]:
    """What each of the purchase's reversals takes, in the order in which they became known."""
    parts: dict[Reversal, int] = {}
    minor = 0
    for reversal in purchase.reversals.order_by("id"):
        before, minor = minor, minor + reversal.effective_minor
        parts[reversal] = purchase.due_nano(minor) - purchase.due_nano(before)
    return parts


def _share(reversal: Reversal, parts: dict[Reversal, int]) -> None:
    for other, taken in parts.items():
        if other.taken_nano != taken:
            Reversal.objects.filter(pk=other.pk).update(taken_nano=taken)
        if other == reversal:
            reversal.taken_nano = taken


def _release(purchase: Purchase, reversal: Reversal) -> Void:
    assert reversal.hold_id is not None
    return Void(reversal.hold_id, purchase.account_id, Hold.FIRST_EPOCH, REFUNDED)


def _post(purchase: Purchase, reversal: Reversal, moved: int, key: str, reason: str) -> Post:
    kind = _TAKING[Reversal.Kind(reversal.kind)] if moved > 0 else Journal.Kind.RETURN
    return Post(
        account_id=purchase.account_id,
        against=AGAINST,
        amount=-moved,
        kind=kind.value,
        key=key,
        reason=reason,
        actor=reversal.actor or audit.current_actor().name,
        owed=moved > 0,
    )


def _apply(moves: list[Post | Void]) -> None:
    if moves:
        posting.apply(*moves)


def _audit(purchase: Purchase, reversal: Reversal, before: int, key: str) -> None:
    audit.record(
        action=f"{reversal.kind}_{reversal.state}",
        entity_type=Purchase._meta.db_table,
        entity_id=purchase.pk,
        before={"taken_back": amounts.to_text(before)},
        after={"taken_back": amounts.to_text(purchase.clawed_nano), "stripe_id": reversal.stripe_id, "key": key},
    )
