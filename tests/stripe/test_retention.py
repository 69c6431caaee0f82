"""Events of which nothing more comes are forgotten in the end, and what they moved is moved no second time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits import checker
from credits.models import Journal, StripeEvent
from credits.tasks import prune_stripe_events
from tests.stripe.shop import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def age(days: int) -> None:
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(days=days))


def test_what_is_told_again_after_it_was_forgotten_moves_nothing(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 30, status="pending")
    shop.stripe.fail_refund(refund["id"])
    shop.stripe.refund(purchase.payment_intent or "", 20)
    dispute = shop.stripe.dispute(purchase.payment_intent or "", 50)
    shop.stripe.lose(dispute["id"], reinstated=10)
    shop.deliver_all()
    before = (shop.credits, Journal.objects.count())
    age(days=401)
    assert prune_stripe_events() == len(shop.stripe.events)
    for event in reversed(shop.stripe.events):
        assert shop.deliver(event) == "applied"
    assert (shop.credits, Journal.objects.count()) == before
    assert checker.check() == []


def test_what_waits_or_is_for_a_person_is_kept(shop: Shop, settings: Any) -> None:
    settings.STRIPE_EVENTS_KEPT_DAYS = 100
    for n, state in enumerate(StripeEvent.State.values):
        StripeEvent.objects.create(
            id=f"evt_{n}", type="x", livemode=False, created=timezone.now(), payload={}, state=state
        )
    age(days=99)
    assert prune_stripe_events() == 0
    age(days=101)
    assert prune_stripe_events() == 3
    left = StripeEvent.objects.values_list("state", flat=True)
    assert set(left) == {"received", "waiting", "refused", "failed"}
