"""Whoever says first that a purchase is paid: it is granted once, and only if everything is as it was sold."""

from typing import Any

import pytest
from django.test import Client

from credits import checker
from credits.models import Entry, Journal, Purchase, StripeEvent
from credits.stripe.reconciliation import reconcile
from opscenter.core.models import AuditEntry
from tests.credits.ledger import system_sum
from tests.credits.test_granting import NANO
from tests.stripe.shop import Shop, stored

pytestmark = pytest.mark.django_db


def test_a_paid_session_becomes_credits(shop: Shop) -> None:
    purchase = shop.buy()
    payment = shop.pay(purchase)
    assert shop.deliver_all() == ["applied"]
    purchase.refresh_from_db()
    assert (purchase.state, purchase.payment_intent) == ("paid", payment)
    assert purchase.paid_at is not None
    assert shop.credits == (1000, 0)
    journal = Journal.objects.get(idempotency_key=f"stripe:pi:{payment}")
    assert (journal.kind, journal.actor) == ("purchase", f"user:{shop.buyer.user_id}")
    assert system_sum("purchases") == -1000 * NANO
    assert checker.check() == []


def test_it_is_granted_once_whoever_brings_it(shop: Shop, client: Client) -> None:
    purchase = shop.buy()
    shop.pay(purchase)
    assert shop.buyer.user is not None
    client.force_login(shop.buyer.user)
    assert b"1000 credits have been added" in client.get(f"/credits/purchases/{purchase.pk}").content
    assert shop.deliver_all() == ["applied"]
    assert reconcile().applied == []
    assert shop.credits == (1000, 0)
    assert Entry.objects.filter(account=shop.buyer).count() == 1
    assert AuditEntry.objects.filter(action="purchase", entity_id=str(purchase.pk)).count() == 1


def test_one_event_delivered_again_and_again_is_applied_once(shop: Shop) -> None:
    shop.pay(shop.buy())
    (event,) = shop.stripe.events
    assert [shop.deliver(event) for _ in range(5)] == ["applied"] * 5
    assert stored(event).attempts == 1
    assert shop.credits == (1000, 0)


def test_another_event_about_the_same_payment_grants_nothing_more(shop: Shop) -> None:
    purchase = shop.sell()
    session = shop.stripe.sessions[purchase.session_id or ""]
    assert shop.happens("checkout.session.async_payment_succeeded", session) == "applied"
    assert shop.credits == (1000, 0)


def test_a_way_of_paying_that_takes_days_is_granted_when_the_money_comes(shop: Shop) -> None:
    purchase = shop.buy()
    shop.pay(purchase, status="unpaid")
    assert shop.deliver_all() == ["applied"]
    assert shop.credits == (0, 0)
    shop.stripe.arrive(purchase.session_id or "")
    assert shop.deliver_all() == ["applied"]
    assert shop.credits == (1000, 0)


def test_a_payment_that_never_comes_fails_the_purchase(shop: Shop) -> None:
    purchase = shop.buy()
    shop.pay(purchase, status="unpaid")
    shop.stripe.bounce(purchase.session_id or "")
    shop.deliver_all()
    purchase.refresh_from_db()
    assert (purchase.state, shop.credits) == ("failed", (0, 0))


def test_a_session_that_expires_expires_the_purchase(shop: Shop) -> None:
    purchase = shop.buy()
    shop.stripe.expire(purchase.session_id or "")
    shop.deliver_all()
    purchase.refresh_from_db()
    assert purchase.state == "expired"


def test_news_that_come_late_change_nothing_about_a_paid_purchase(shop: Shop) -> None:
    purchase = shop.sell()
    session = shop.stripe.sessions[purchase.session_id or ""]
    assert shop.happens("checkout.session.async_payment_failed", session) == "applied"
    assert shop.happens("checkout.session.expired", session | {"payment_status": "unpaid", "status": "expired"})
    purchase.refresh_from_db()
    assert (purchase.state, shop.credits) == ("paid", (1000, 0))


def test_a_session_whose_id_was_never_kept_is_found_by_its_reference(shop: Shop) -> None:
    purchase = shop.buy()
    Purchase.objects.filter(pk=purchase.pk).update(session_id=None)
    shop.pay(purchase)
    assert shop.deliver_all() == ["applied"]
    assert shop.credits == (1000, 0)


@pytest.mark.parametrize(
    "lie",
    [
        {"amount_total": 99},
        {"amount_total": None},
        {"currency": "eur"},
        {"livemode": True},
        {"mode": "subscription"},
        {"metadata": {"opscenter_package": "ten-thousand"}},
        {"metadata": {}},
        {"id": "cs_test_of_another"},
        {"payment_intent": None},
    ],
    ids=str,
)
def test_what_contradicts_the_purchase_is_refused_and_kept(shop: Shop, lie: dict[str, Any]) -> None:
    purchase = shop.buy()
    shop.pay(purchase)
    session = shop.stripe.sessions[purchase.session_id or ""]
    event = shop.stripe.event("checkout.session.completed", session | lie)
    assert shop.deliver(event) == "refused"
    assert stored(event).error
    assert shop.credits == (0, 0)
    purchase.refresh_from_db()
    assert purchase.state == "open"


def test_no_payment_required_is_no_payment(shop: Shop) -> None:
    purchase = shop.buy()
    shop.pay(purchase, status="no_payment_required")
    shop.deliver_all()
    assert shop.credits == (0, 0)


def test_one_payment_pays_one_purchase(shop: Shop) -> None:
    first, second = shop.sell(), shop.buy()
    shop.pay(second)
    session = shop.stripe.sessions[second.session_id or ""] | {"payment_intent": first.payment_intent}
    assert shop.happens("checkout.session.completed", session) == "refused"
    assert shop.credits == (1000, 0)


def test_a_purchase_is_paid_by_one_payment(shop: Shop) -> None:
    purchase = shop.sell()
    session = shop.stripe.sessions[purchase.session_id or ""] | {"payment_intent": "pi_of_another"}
    assert shop.happens("checkout.session.completed", session) == "refused"
    assert shop.credits == (1000, 0)


def test_what_is_sold_elsewhere_by_the_same_account_is_of_no_concern(shop: Shop) -> None:
    elsewhere = {"id": "cs_test_x", "object": "checkout.session", "mode": "payment", "payment_status": "paid"}
    assert shop.happens("checkout.session.completed", elsewhere | {"client_reference_id": "cart-7"}) == "ignored"


def test_a_purchase_that_is_unknown_here_waits(shop: Shop) -> None:
    purchase = shop.buy()
    shop.pay(purchase)
    Purchase.objects.all().delete()
    (event,) = shop.stripe.events
    assert shop.deliver(event) == "waiting"
    assert stored(event).next_try_at is not None


def test_nothing_about_the_buyers_person_is_kept(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.dispute(purchase.payment_intent or "")
    told = {"opscenter_package": "thousand", "name": "Alice Buyer"}
    shop.happens("customer.updated", {"id": "cus_1", "object": "customer", "name": "Alice Buyer", "metadata": told})
    charge = {"id": "ch_1"} | told
    shop.happens("refund.updated", {"id": "re_1", "object": "refund", "metadata": told, "charge": charge})
    shop.deliver_all()
    assert StripeEvent.objects.get(type="refund.updated").payload["data"]["object"] == {
        "id": "re_1",
        "object": "refund",
        "metadata": {"opscenter_package": "thousand"},
        "charge": "ch_1",
    }
    assert all("Alice Buyer" not in str(row.payload) for row in StripeEvent.objects.all())
    assert all("Alice Buyer" not in str(stored(event).payload) for event in shop.stripe.events)
