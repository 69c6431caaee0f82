"""A shop that sells credits: what buyers do, what Stripe does, and its webhooks on their way here."""

from typing import Any

from django.test import Client

from credits.amounts import NANO
from credits.models import Account, Package, Purchase, Reversal, StripeEvent
from credits.stripe import checkout
from tests.stripe_stub import signed
from tests.stripe_stub.server import RunningStripe

WEBHOOK = "/stripe/webhook"


def a_package(slug: str = "thousand", *, credits: int = 1000, price: int = 100) -> Package:
    return Package.objects.create(slug=slug, name=slug.title(), credits_nano=credits * NANO, price_minor=price)


class Shop:
    """`stripe` is the account it sells through, `secret` the one its webhooks are signed with."""

    def __init__(self, stripe: RunningStripe, secret: str, buyer: Account, package: Package) -> None:
        self.stripe = stripe
        self.buyer = buyer
        self.package = package
        self._secret = secret
        self._delivered = 0

    def buy(self, package: Package | None = None) -> Purchase:
        slug = (package or self.package).slug
        return checkout.start(account=self.buyer, slug=slug, actor=f"user:{self.buyer.user_id}")

    def sell(self, package: Package | None = None) -> Purchase:
        """Bought, paid, and told of."""
        purchase = self.buy(package)
        self.pay(purchase)
        self.deliver_all()
        purchase.refresh_from_db()
        assert purchase.state == Purchase.State.PAID
        return purchase

    def pay(self, purchase: Purchase, **facts: Any) -> str:
        """The payment intent."""
        return str(self.stripe.pay(purchase.session_id or "", **facts)["payment_intent"])

    def deliver_all(self) -> list[str]:
        """What has happened since; the states of the events."""
        events, self._delivered = self.stripe.events[self._delivered :], len(self.stripe.events)
        return [self.deliver(event) for event in events]

    def deliver(self, event: dict[str, Any], **how: Any) -> str:
        """The event's state, or the status and code of a refusal."""
        response = self.post(event, **how)
        body = response.json()
        return str(body["state"] if response.status_code == 200 else f"{response.status_code} {body['error']['code']}")

    def post(self, event: dict[str, Any], *, at: float | None = None, secret: str | None = None) -> Any:
        body, signature = signed(event, secret or self._secret, at=at)
        return send(body, signature)

    def happens(self, type: str, thing: dict[str, Any], **facts: Any) -> str:
        """An event that Stripe might send, delivered; its state."""
        return self.deliver(self.stripe.event(type, thing, **facts))

    @property
    def credits(self) -> tuple[int, int]:
        """Whole credits that the buyer has, and owes."""
        self.buyer.refresh_from_db()
        return self.buyer.posted // NANO, self.buyer.debt // NANO


def send(body: bytes, signature: str | None, client: Client | None = None) -> Any:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return (client or Client()).post(WEBHOOK, body, content_type="application/json", headers=headers)


def reversal_of(purchase: Purchase) -> Reversal:
    return Reversal.objects.get(purchase=purchase)


def stored(event: dict[str, Any]) -> StripeEvent:
    return StripeEvent.objects.get(pk=event["id"])
