"""A purchase: its row first, then Stripe's page where it is paid. What is on that page was decided by the row."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from credits.errors import NoSuchPackage, StripeRefused, TooManyPurchases
from credits.models import Account, Package, Purchase
from credits.stripe import client, events, payloads

_MOST_OPEN = 20
_WITHIN = timedelta(hours=1)
_LOOK_S = 5


def start(*, account: Account, slug: str, actor: str, email: str = "") -> Purchase:
    """A purchase of the package, with the `url` where it is paid.

    Raises PurchasesOff, NoSuchPackage, TooManyPurchases, StripeRefused and StripeUnavailable. Where nobody knows
    whether Stripe has the session, the row stays OPEN: nobody was told where to pay it, and it expires.
    """
    client.require()
    purchase = _begin(account, slug, actor)
    try:
        with client.connected() as stripe:
            session = stripe.v1.checkout.sessions.create(
                params=_described(purchase, email), options={"idempotency_key": f"purchase:{purchase.pk}"}
            )
    except StripeRefused:
        Purchase.objects.filter(pk=purchase.pk, state=Purchase.State.OPEN).update(state=Purchase.State.FAILED)
        raise
    purchase.session_id, purchase.url = session.id, session.url or ""
    purchase.save(update_fields=("session_id", "url"))
    return purchase


def refresh(purchase: Purchase) -> Purchase:
    """`purchase` as it is now, after asking Stripe where it isn't paid yet. Raises what client.connected raises, and
    Contradiction.
    """
    if purchase.session_id and purchase.state != Purchase.State.PAID:
        with client.connected() as stripe:
            session = client.plain(stripe.v1.checkout.sessions.retrieve(purchase.session_id))
        events.settle(session)
    purchase.refresh_from_db()
    return purchase


def look(purchase: Purchase) -> Purchase:
    """The same for a page that may be loaded over and over: Stripe is asked about a purchase once in five seconds."""
    # A cache that is away says None, and keeps nobody from what was paid for.
    if cache.add(f"stripe-look:{purchase.pk}", True, _LOOK_S) is False:
        purchase.refresh_from_db()
        return purchase
    return refresh(purchase)


def _begin(account: Account, slug: str, actor: str) -> Purchase:
    package = Package.objects.filter(slug=slug, active=True).first()
    if package is None:
        raise NoSuchPackage(
            f"There is no package {slug!r}. GET /api/v1/llm/credits/packages lists them.", param="package"
        )
    recent = Purchase.objects.filter(
        account=account, state=Purchase.State.OPEN, created_at__gt=timezone.now() - _WITHIN
    )
    if recent.count() >= _MOST_OPEN:
        message = f"{_MOST_OPEN} purchases of the last hour are still unpaid. Pay one of them, or wait."
        raise TooManyPurchases(message, headers={"Retry-After": "600"})
    return Purchase.objects.create(
        account=account,
        package=package,
        package_version=package.version,
        credits_nano=package.credits_nano,
        amount_minor=package.price_minor,
        currency=package.currency,
        livemode=settings.STRIPE_LIVEMODE,
        actor=actor,
    )


def _described(purchase: Purchase, email: str) -> Any:
    """What Stripe is asked for. In the row's own currency alone, so that it is also the one of refunds and disputes."""
    metadata = {payloads.PURCHASE: str(purchase.pk), payloads.PACKAGE: purchase.package.slug}
    page = settings.PUBLIC_URL + reverse("purchase", args=(purchase.pk,))
    product = {
        "currency": purchase.currency,
        "unit_amount": purchase.amount_minor,
        "product_data": {"name": purchase.package.name},
    }
    return {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": product}],
        "client_reference_id": str(purchase.pk),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "adaptive_pricing": {"enabled": False},
        "success_url": page,
        "cancel_url": f"{page}?cancelled=1",
    } | ({"customer_email": email} if email else {})
