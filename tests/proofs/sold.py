"""What happens to many purchases at Stripe, the webhooks that tell of it and those that lie, and what comes of it."""

from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from credits.amounts import NANO
from credits.models import Account, Package, Purchase
from credits.stripe import payloads
from tests.stripe_stub.account import Refused, StripeAccount

Event = dict[str, Any]


@dataclass
class Sold:
    """`early` are the events of everybody's payments and of some whole lives, `late` those of what came after."""

    stripe: StripeAccount = field(default_factory=StripeAccount)
    purchases: list[Purchase] = field(default_factory=list)
    early: list[Event] = field(default_factory=list)
    late: list[Event] = field(default_factory=list)

    @classmethod
    def story(cls, buyers: list[Account], count: int, chance: Random) -> "Sold":
        sold = cls()
        package = Package.objects.create(slug="proof", name="Proof", credits_nano=NANO, price_minor=100)
        for _ in range(count):
            sold.live(chance.choice(buyers), package, chance)
        return sold

    def live(self, buyer: Account, package: Package, chance: Random) -> None:
        """From its session to its last dispute. Credits don't divide by prices, so that roundings would be seen."""
        session_id = self._begin(buyer, package, chance)
        begins = len(self.stripe.events)
        self._pay(session_id, chance)
        after = len(self.stripe.events)
        session = self.stripe.sessions[session_id]
        if session["payment_status"] == "paid" and chance.random() < 0.6:
            self._reverse(session["payment_intent"], session["amount_total"], chance)
        cut = len(self.stripe.events) if chance.random() < 0.25 else after
        self.early += self.stripe.events[begins:cut]
        self.late += self.stripe.events[cut:]

    def nano_due(self, purchase: Purchase) -> tuple[int, int]:
        """What is granted for it in the end, and what is taken back: by what Stripe says, and by nothing else."""
        session = self.stripe.sessions[purchase.session_id or ""]
        if session["payment_status"] != "paid":
            return 0, 0
        payment = session["payment_intent"]
        refunds = [one for one in self.stripe.refunds.values() if one["payment_intent"] == payment]
        disputes = [one for one in self.stripe.disputes.values() if one["payment_intent"] == payment]
        back = sum(one["amount"] for one in refunds if one["status"] != "failed")
        back += sum(-movement["amount"] for one in disputes for movement in one["balance_transactions"])
        granted = purchase.credits_nano
        return granted, min(granted, granted * back // session["amount_total"])

    def _begin(self, buyer: Account, package: Package, chance: Random) -> str:
        purchase = Purchase.objects.create(
            account=buyer,
            package=package,
            package_version=1,
            credits_nano=chance.randrange(NANO, 1000 * NANO),
            amount_minor=chance.randrange(50, 5000),
            currency="usd",
            livemode=False,
            actor=f"user:{buyer.user_id}",
        )
        product = {"unit_amount": purchase.amount_minor, "currency": "usd", "product_data": {"name": "Proof"}}
        asked = {
            "mode": "payment",
            "line_items": {"0": {"quantity": 1, "price_data": product}},
            "client_reference_id": str(purchase.pk),
            "metadata": {payloads.PURCHASE: str(purchase.pk), payloads.PACKAGE: package.slug},
            "success_url": "",
            "cancel_url": "",
        }
        purchase.session_id = self.stripe.open_session(asked)["id"]
        purchase.save()
        self.purchases.append(purchase)
        return purchase.session_id

    def _pay(self, session_id: str, chance: Random) -> None:
        way = chance.random()
        if way < 0.1:
            self.stripe.expire(session_id)
        elif way < 0.7:
            self.stripe.pay(session_id)
        else:
            self.stripe.pay(session_id, status="unpaid")
            (self.stripe.bounce if way < 0.8 else self.stripe.arrive)(session_id)

    def _reverse(self, payment: str, price: int, chance: Random) -> None:
        for _ in range(chance.randrange(4)):
            try:
                refund = self.stripe.refund(payment, chance.randrange(1, price + 1), status="pending")
            except Refused:
                continue
            end = chance.choice((self.stripe.confirm_refund, self.stripe.fail_refund, lambda id: None))
            end(refund["id"])
        if chance.random() < 0.5:
            self._dispute(payment, price, chance)

    def _dispute(self, payment: str, price: int, chance: Random) -> None:
        refunded = self.stripe.charge_of(payment)["amount_refunded"]
        dispute = self.stripe.dispute(payment, chance.choice((price, chance.randrange(1, price + 1))))
        match chance.randrange(4):
            case 0:
                self.stripe.win(dispute["id"])
            case 1:
                self.stripe.lose(dispute["id"])
            case 2:
                self.stripe.lose(dispute["id"], reinstated=min(refunded, dispute["amount"]))


LIES: dict[str, dict[str, Any]] = {
    "livemode": {"livemode": True},
    "amount_total": {"amount_total": 1, "amount": 10**6},
    "currency": {"currency": "eur"},
    "package": {"metadata": {payloads.PACKAGE: "another"}},
    "session": {"id": "cs_test_of_another"},
}
SIGNED_WRONGLY = ("another secret", "changed after it was signed", "not signed", "too old", "in the future")


def lie(sold: Sold, chance: Random) -> tuple[str, Event]:
    """An event that Stripe never sent: what is wrong with it, and it. Of a payment, or of a refund or dispute."""
    truth = chance.choice(sold.early + sold.late)
    what = chance.choice((*LIES, *SIGNED_WRONGLY))
    event = deepcopy(truth) | {"id": f"evt_lie_{chance.getrandbits(64):016x}"}
    if what == "livemode":
        event["livemode"] = True
    elif what in LIES:
        event = _wrong(sold, event, what, chance)
    return what, event


def _wrong(sold: Sold, event: Event, what: str, chance: Random) -> Event:
    """About a session that is said to be paid; everything but `what` is as it was sold."""
    session = deepcopy(chance.choice(list(sold.stripe.sessions.values())))
    session |= {"payment_status": "paid", "status": "complete"}
    session["payment_intent"] = session["payment_intent"] or f"pi_lie_{chance.getrandbits(64):016x}"
    wrong = {name: value for name, value in LIES[what].items() if name in session}
    if what == "package":
        wrong = {"metadata": session["metadata"] | LIES[what]["metadata"]}
    return event | {"type": "checkout.session.completed", "data": {"object": session | wrong}}
