"""Which of Stripe's events mean something here, and what."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Sum

from credits.errors import Contradiction, PurchaseUnknown
from credits.models import Purchase, Reversal
from credits.stripe import disputes, payloads, payments, refunds, reversals

Handler = Callable[[dict[str, Any], str], bool]


class NotOurs(Exception):
    """Stripe's account sells other things too."""


class UnknownType(Exception):
    """Of events that this version has no use for."""


def apply(event: dict[str, Any]) -> bool:
    """True where this granted a purchase. Inside `audit.writing()`.

    Raises UnknownType, PurchaseUnknown, Contradiction, NotOurs, and what the ledger raises.
    """
    if event["type"] not in HANDLERS:
        raise UnknownType
    if event.get("account"):
        raise NotOurs("It is about another account, connected to ours.")
    if event["livemode"] != settings.STRIPE_LIVEMODE:
        raise Contradiction(f"Its livemode is {event['livemode']}, ours {settings.STRIPE_LIVEMODE}.")
    return HANDLERS[event["type"]](event["data"]["object"], event["type"])


def is_sold_here(session: dict[str, Any]) -> bool:
    """Whether a session was made by an installation like this one, if not by this."""
    if payloads.named(session, payloads.PURCHASE):
        return True
    return Purchase.objects.filter(session_id=str(session.get("id"))).exists()


def _session(session: dict[str, Any], event: str) -> bool:
    if not is_sold_here(session):
        raise NotOurs("It sells something else.")
    return payments.fail(session) if event.endswith("async_payment_failed") else payments.settle(session)


def _refund(refund: dict[str, Any], event: str) -> bool:
    refunds.apply(refund)
    return False


def _dispute(dispute: dict[str, Any], event: str) -> bool:
    disputes.apply(dispute, event=event)
    return False


def _refunded(charge: dict[str, Any], event: str) -> bool:
    """A charge lists its refunds in old versions of the API alone; in newer ones they come by events of their own."""
    purchase = reversals.locked(charge)
    for refund in (charge.get("refunds") or {}).get("data") or ():
        refunds.apply({"payment_intent": purchase.payment_intent} | refund)
    known = purchase.reversals.filter(kind=Reversal.Kind.REFUND, stripe_id__isnull=False)
    total = known.aggregate(total=Sum("amount_minor"))["total"] or 0
    if total < charge.get("amount_refunded", 0):
        raise PurchaseUnknown(f"{charge['amount_refunded']} were refunded, and refunds of {total} are known.")
    return False


_REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
_SESSIONS = ("completed", "expired", "async_payment_succeeded", "async_payment_failed")
_DISPUTES = ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
HANDLERS: dict[str, Handler] = {
    **{f"checkout.session.{what}": _session for what in _SESSIONS},
    **dict.fromkeys(_REFUNDS, _refund),
    "charge.refunded": _refunded,
    **{f"charge.dispute.{what}": _dispute for what in _DISPUTES},
}
