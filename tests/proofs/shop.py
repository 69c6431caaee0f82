"""Purchases, refunds and disputes, straight into the books: what is asked of the ledger when money comes and goes."""

from collections.abc import Sequence

from django.utils import timezone

from credits.ledger import book
from credits.ledger.moves import Expire, Move, Post, Posted
from credits.models import Account, Journal, Package, Purchase, Reversal
from opscenter.core.ids import uuid7

PRICE_CENTS = 100


def buy(account: Account, credits_nano: int) -> Purchase:
    package, _ = Package.objects.get_or_create(
        slug="machine", defaults={"name": "Machine", "credits_nano": 10**9, "price_minor": PRICE_CENTS}
    )
    purchase = Purchase.objects.create(
        account=account,
        package=package,
        package_version=1,
        credits_nano=credits_nano,
        amount_minor=PRICE_CENTS,
        currency="usd",
        livemode=False,
        state=Purchase.State.PAID,
        payment_intent=f"pi_{uuid7().hex}",
        paid_at=timezone.now(),
    )
    post(account, credits_nano, "purchases", Journal.Kind.PURCHASE, f"stripe:pi:{purchase.payment_intent}")
    return purchase


def take_back(purchase: Purchase, kind: Reversal.Kind, cents: int, *, beside: Sequence[Move] = ()) -> Reversal:
    """A refund or a dispute of so much; the hold that covered it ends `beside` it."""
    reversal = Reversal.objects.create(
        purchase=purchase, kind=kind, state=Reversal.State.TAKEN, stripe_id=f"re_{uuid7().hex}", amount_minor=cents
    )
    _balance(purchase, f"stripe:re:{reversal.stripe_id}", Journal.Kind(kind.value), beside)
    return reversal


def give_back(reversal: Reversal) -> None:
    """A refund that failed later, a dispute that was won."""
    reversal.state, reversal.returned_minor = Reversal.State.RETURNED, reversal.amount_minor
    reversal.save()
    purchase = Purchase.objects.get(pk=reversal.purchase_id)
    _balance(purchase, f"stripe:re:{reversal.stripe_id}:failed", Journal.Kind.RETURN, ())


def _balance(purchase: Purchase, key: str, kind: Journal.Kind, beside: Sequence[Move]) -> None:
    """Move what is due and wasn't moved yet, and say which reversal accounts for how much."""
    purchase.refresh_from_db()
    back = due = 0
    for reversal in purchase.reversals.order_by("id"):
        back += reversal.amount_minor - reversal.returned_minor
        Reversal.objects.filter(pk=reversal.pk).update(taken_nano=purchase.due_nano(back) - due)
        due = purchase.due_nano(back)
    if moved := due - purchase.clawed_nano:
        post(purchase.account, -moved, "refunds", kind, key, beside=beside)
    else:
        book.apply([*beside, Expire(purchase.account_id)])
    Purchase.objects.filter(pk=purchase.pk).update(clawed_nano=due)


def post(
    account: Account, amount: int, against: str, kind: Journal.Kind, key: str, *, beside: Sequence[Move] = ()
) -> None:
    move = Post(account.pk, against, amount, kind.value, key, "machine", "", owed=amount < 0)
    *_, outcome = book.apply([*beside, move])
    assert isinstance(outcome, Posted)
    assert outcome.made
    assert outcome.wallet_change - outcome.debt_change == amount
