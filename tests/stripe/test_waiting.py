"""Events that came too early, or about something unknown: tried again, with what Stripe says meanwhile."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from credits import checker
from credits.errors import StripeUnavailable
from credits.models import Purchase, StripeEvent
from credits.stripe import waiting
from credits.stripe.waiting import retry_event
from credits.tasks import go_on_with_stripe
from opscenter.core.models import Alert
from tests.stripe.shop import Shop, stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def due(*events: dict[str, Any]) -> None:
    StripeEvent.objects.filter(pk__in=[event["id"] for event in events]).update(next_try_at=timezone.now())


def test_a_refund_whose_purchase_was_never_told_of_brings_it_along(shop: Shop) -> None:
    """The event of the payment was lost: Stripe is asked which session it belongs to."""
    purchase = shop.buy()
    payment = shop.pay(purchase)
    shop.stripe.refund(payment, 40)
    created = shop.stripe.events_of("refund.created")[0]
    assert shop.deliver(created) == "waiting"
    due(created)
    assert go_on_with_stripe()["events"] == 1
    assert stored(created).state == "applied"
    assert shop.credits == (600, 0)
    assert checker.check() == []


def test_a_refund_of_something_else_is_dismissed(shop: Shop) -> None:
    foreign = {"id": "re_x", "object": "refund", "payment_intent": "pi_x", "amount": 5, "currency": "usd"}
    event = shop.stripe.event("refund.created", foreign | {"status": "succeeded"})
    assert shop.deliver(event) == "waiting"
    assert retry_event(event_id=event["id"]).state == "ignored"


def test_refunds_that_were_not_told_of_are_asked_for(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 10)
    shop.stripe.refund(purchase.payment_intent or "", 20)
    refunded = shop.stripe.events_of("charge.refunded")[-1]
    assert shop.deliver(refunded) == "waiting"
    assert retry_event(event_id=refunded["id"]).state == "applied"
    assert shop.credits == (700, 0)


def test_a_purchase_of_another_installation_goes_on_waiting(shop: Shop) -> None:
    purchase = shop.buy()
    payment = shop.pay(purchase)
    shop.stripe.refund(payment, 40)
    Purchase.objects.all().delete()
    paid, created, _ = shop.stripe.events
    assert [shop.deliver(paid), shop.deliver(created)] == ["waiting", "waiting"]
    assert retry_event(event_id=paid["id"]).state == "waiting"
    assert retry_event(event_id=created["id"]).state == "waiting"
    assert stored(created).attempts == 2


def test_pauses_grow_and_are_kept_to(shop: Shop) -> None:
    foreign = {"id": "cs_x", "metadata": {"opscenter_purchase": "01890000-0000-7000-8000-000000000000"}}
    event = shop.stripe.event("checkout.session.completed", foreign)
    shop.deliver(event)
    assert waiting.retry_due() == 0
    assert stored(event).attempts == 1, "It is not due yet."
    pauses = []
    for _ in range(14):
        due(event)
        waiting.retry_due()
        pauses.append((stored(event).next_try_at or timezone.now()) - timezone.now())
    assert timedelta(seconds=30) < pauses[0] < timedelta(seconds=70)
    assert all(earlier < later + timedelta(seconds=5) for earlier, later in pairwise(pauses))
    assert timedelta(hours=5) < pauses[-1] <= timedelta(hours=6)


def test_where_stripe_does_not_tell_it_waits_on(shop: Shop) -> None:
    purchase = shop.buy()
    payment = shop.pay(purchase)
    shop.stripe.refund(payment, 40)
    created = shop.stripe.events_of("refund.created")[0]
    shop.deliver(created)
    shop.stripe.fail("GET /v1/checkout", "drop", 500)
    with pytest.raises(StripeUnavailable):
        retry_event(event_id=created["id"])
    due(created)
    assert waiting.retry_due() == 0
    assert stored(created).state == "waiting"
    again_at = stored(created).next_try_at
    assert again_at is not None
    assert again_at > timezone.now(), "It is not the first again at every look."


def test_one_that_was_refused_can_be_tried_again_once_the_books_are_right(shop: Shop) -> None:
    purchase = shop.buy()
    Purchase.objects.filter(pk=purchase.pk).update(amount_minor=101)
    shop.pay(purchase)
    (event,) = shop.stripe.events
    assert shop.deliver(event) == "refused"
    assert retry_event(event_id=event["id"]).state == "refused"
    Purchase.objects.filter(pk=purchase.pk).update(amount_minor=100)
    assert retry_event(event_id=event["id"]).state == "applied"
    assert shop.credits == (1000, 0)


def test_operators_are_told_once_of_what_moved_nothing(shop: Shop, settings: Any) -> None:
    settings.ALERT_EMAILS, settings.EMAIL_URL = ["ops@example.org"], "smtp://127.0.0.1:25"
    purchase = shop.buy()
    Purchase.objects.filter(pk=purchase.pk).update(amount_minor=101)
    shop.pay(purchase)
    (event,) = shop.stripe.events
    shop.deliver(event)
    retry_event(event_id=event["id"])

    alert = Alert.objects.get()
    assert (alert.type, alert.data["event_id"]) == ("credits.stripe_event", event["id"])
    assert alert.headline == f"Stripe's event {event['id']} ({event['type']}) was refused"
    Purchase.objects.filter(pk=purchase.pk).update(amount_minor=100)
    retry_event(event_id=event["id"])
    assert Alert.objects.count() == 1


def test_one_that_is_done_is_not_done_again(shop: Shop) -> None:
    shop.sell()
    (event,) = shop.stripe.events
    assert retry_event(event_id=event["id"]).attempts == 1
    assert shop.credits == (1000, 0)
