"""A paid Checkout Session becomes credits, once, whoever brings it first."""

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from credits import amounts
from credits.errors import Contradiction, PurchaseUnknown
from credits.ledger.moves import Post
from credits.models import Journal, Purchase
from credits.stripe import payloads, posting
from opscenter.core import audit

AGAINST = "purchases"
_ENDINGS = {"expired": Purchase.State.EXPIRED}


def settle(session: dict[str, Any]) -> bool:
    """Grant what `session` has paid for; True where this call did. Inside `audit.writing()`.

    Raises PurchaseUnknown where no purchase of ours is named, Contradiction where session and purchase differ.
    """
    purchase = locked(session)
    if problem := contradiction(purchase, session):
        raise Contradiction(problem)
    if session.get("payment_status") != "paid":
        return _not_paid(purchase, session)
    payment = payloads.payment_of(session)
    if not payment:
        raise Contradiction("It is paid without a payment intent.")
    if purchase.state == Purchase.State.PAID:
        return _again(purchase, payment)
    if Purchase.objects.filter(payment_intent=payment).exists():
        raise Contradiction(f"{payment} has paid for another purchase.")
    return _grant(purchase, session, payment)


def fail(session: dict[str, Any]) -> bool:
    """A payment that takes days did not come. A purchase that was paid all the same stays so."""
    purchase = locked(session)
    if problem := contradiction(purchase, session):
        raise Contradiction(problem)
    return _close(purchase, session, Purchase.State.FAILED)


def locked(session: dict[str, Any]) -> Purchase:
    """The purchase that `session` is for."""
    id = payloads.uuid_of(session.get("client_reference_id")) or payloads.named(session, payloads.PURCHASE)
    known = Q(session_id=str(session.get("id")))
    purchases = Purchase.objects.select_for_update(of=("self",)).select_related("account", "package")
    # By its key first: so that two that are locked are never locked crosswise.
    purchase = purchases.filter(Q(pk=id) if id else known).first()
    if purchase is None:
        raise PurchaseUnknown("No purchase here belongs to it.")
    return purchase


def contradiction(purchase: Purchase, session: dict[str, Any]) -> str:
    """What of `session` can't be true of `purchase`; "" for nothing."""
    metadata = session.get("metadata")
    package = metadata.get(payloads.PACKAGE) if isinstance(metadata, dict) else None
    facts = (
        ("livemode", session.get("livemode"), purchase.livemode),
        ("the installation's livemode", settings.STRIPE_LIVEMODE, purchase.livemode),
        ("mode", session.get("mode"), "payment"),
        ("amount", session.get("amount_total"), purchase.amount_minor),
        ("currency", session.get("currency"), purchase.currency),
        ("package", package, purchase.package.slug),
        ("session", session.get("id"), purchase.session_id or session.get("id")),
    )
    differing = [f"{what} is {is_!r}, not {should!r}" for what, is_, should in facts if is_ != should]
    return f"Of purchase {purchase.pk}, {'; '.join(differing)}."[:1000] if differing else ""


def _grant(purchase: Purchase, session: dict[str, Any], payment: str) -> bool:
    key = f"stripe:pi:{payment}"
    posting.apply(
        Post(
            account_id=purchase.account_id,
            against=AGAINST,
            amount=purchase.credits_nano,
            kind=Journal.Kind.PURCHASE.value,
            key=key,
            reason=f"Package {purchase.package.slug}, purchase {purchase.pk}",
            actor=purchase.actor,
        )
    )
    before = str(purchase.state)
    purchase.state, purchase.paid_at = Purchase.State.PAID, timezone.now()
    purchase.payment_intent, purchase.session_id = payment, session["id"]
    purchase.save(update_fields=("state", "paid_at", "payment_intent", "session_id"))
    audit.record(
        action="purchase",
        entity_type=Purchase._meta.db_table,
        entity_id=purchase.pk,
        before={"state": before},
        after={"state": str(purchase.state), "credits": amounts.to_text(purchase.credits_nano), "key": key},
    )
    return True


def _again(purchase: Purchase, payment: str) -> bool:
    if purchase.payment_intent != payment:
        raise Contradiction(f"Purchase {purchase.pk} was paid by {purchase.payment_intent}, and now by {payment} too.")
    return False


def _not_paid(purchase: Purchase, session: dict[str, Any]) -> bool:
    ending = _ENDINGS.get(str(session.get("status")))
    return _close(purchase, session, ending) if ending else False


def _close(purchase: Purchase, session: dict[str, Any], state: Purchase.State) -> bool:
    if purchase.state != Purchase.State.OPEN:
        return False
    purchase.state, purchase.session_id = state, session["id"]
    purchase.save(update_fields=("state", "session_id"))
    return False
