"""News of one payment from all sides at once: each moves credits once."""

import pytest

from credits import checker
from credits.errors import RefundRefused
from credits.models import Hold, Journal, Purchase, StripeReconciliation
from credits.stripe import checkout, own_refunds
from credits.stripe.own_refunds import request_refund
from credits.stripe.reconciliation import reconcile
from tests.credits.ledger import in_threads
from tests.stripe.shop import Shop
from tests.stripe.test_own_refunds import later

pytestmark = pytest.mark.django_db(transaction=True)


def test_webhooks_buyers_and_comparisons_at_once_grant_once(shop: Shop) -> None:
    purchases = [shop.buy() for _ in range(3)]
    for purchase in purchases:
        shop.pay(purchase)
    events = list(shop.stripe.events)

    def are_told() -> None:
        assert {shop.deliver(event) for event in events} == {"applied"}

    def come_back() -> None:
        for purchase in purchases:
            checkout.refresh(Purchase.objects.get(pk=purchase.pk))

    in_threads([are_told, come_back, reconcile] * 2)
    assert shop.credits == (3000, 0)
    assert Journal.objects.filter(kind="purchase").count() == 3
    assert [row.differences for row in StripeReconciliation.objects.all()] == [[], []]
    assert checker.check() == []


def test_operators_who_refund_at_once_pay_back_no_more_than_the_price(shop: Shop) -> None:
    purchase = shop.sell()

    def refund() -> str:
        try:
            return request_refund(purchase=purchase, amount_minor=40, reason="at once").state
        except RefundRefused:
            return "refused"

    assert sorted(in_threads([refund] * 4)) == ["refused", "refused", "taken", "taken"]
    assert [refund["amount"] for refund in shop.stripe.refunds.values()] == [40, 40]
    assert shop.credits == (200, 0)
    assert not Hold.objects.open().exists()
    assert checker.check() == []


def test_a_refund_that_everybody_tells_of_at_once_is_taken_once(shop: Shop) -> None:
    purchase = shop.sell()
    before = len(shop.stripe.events)
    shop.stripe.fail("POST /v1/refunds", "lose")
    assert request_refund(purchase=purchase, amount_minor=40, reason="slowly").state == "requested"
    later(purchase)
    events = shop.stripe.events[before:]

    def are_told() -> None:
        assert {shop.deliver(event) for event in events} == {"applied"}

    in_threads([own_refunds.go_on, are_told, reconcile] * 2)
    assert len(shop.stripe.refunds) == 1
    assert shop.credits == (600, 0)
    assert Journal.objects.filter(kind="refund").count() == 1
    assert not Hold.objects.open().exists()
    assert checker.check() == []
