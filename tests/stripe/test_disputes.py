"""Disputes: the bank takes the money and the credits go; it gives the money back and they return."""

import itertools

import pytest

from credits import checker
from credits.amounts import NANO
from credits.models import Journal, Reversal
from tests.stripe.shop import Shop, reversal_of
from tests.stripe.test_refunds import spend

pytestmark = pytest.mark.django_db


def test_a_dispute_takes_the_credits(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    assert shop.deliver_all() == ["applied", "applied"]
    assert shop.credits == (0, 0)
    assert Journal.objects.get(idempotency_key=f"stripe:dp:{dispute['id']}:out").kind == "dispute"
    assert reversal_of(purchase).state == "taken"
    assert checker.check() == []


def test_a_dispute_that_is_won_returns_them(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    shop.stripe.win(dispute["id"])
    shop.deliver_all()
    assert shop.credits == (1000, 0)
    assert Journal.objects.filter(idempotency_key__startswith=f"stripe:dp:{dispute['id']}:").count() == 2
    assert reversal_of(purchase).state == "returned"
    assert checker.check() == []


def test_a_dispute_that_is_lost_keeps_them(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    shop.stripe.lose(dispute["id"])
    shop.deliver_all()
    assert shop.credits == (0, 0)
    assert reversal_of(purchase).state == "taken"


def test_an_inquiry_takes_nothing(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "", inquiry=True)
    shop.stripe.drop_inquiry(dispute["id"])
    assert shop.deliver_all() == ["applied", "applied"]
    assert shop.credits == (1000, 0)
    assert not Reversal.objects.exists()


def test_the_order_of_news_does_not_matter(shop: Shop) -> None:
    sample = shop.sell()
    dispute = shop.stripe.dispute(sample.payment_intent or "")
    shop.stripe.win(dispute["id"])
    news = shop.stripe.events[-4:]
    for order in itertools.permutations(range(4)):
        purchase = shop.sell()
        for n in order:
            renamed = {"id": f"dp_{purchase.pk}", "payment_intent": purchase.payment_intent}
            shop.happens(news[n]["type"], news[n]["data"]["object"] | renamed)
        purchase.refresh_from_db()
        assert (purchase.clawed_nano, reversal_of(purchase).state) == (0, "returned"), order
    assert checker.check() == []


@pytest.mark.parametrize(("currency", "status"), [("usd", "won"), ("eur", "lost")])
def test_what_is_withdrawn_again_is_taken_again_in_any_order(shop: Shop, currency: str, status: str) -> None:
    """By the dispute's balance transactions, in our currency or in Stripe's account's own, whose rates move."""
    sample = shop.sell()
    dispute = shop.stripe.dispute(sample.payment_intent or "")
    movements = [
        {"id": f"txn_{n}", "amount": amount if currency == "usd" else amount * 9 // 10 + n, "currency": currency}
        for n, amount in enumerate((-100, 100, -100))
    ]
    news = [
        ("funds_withdrawn", "needs_response", movements[:1]),
        ("closed", "won", movements[:1]),
        ("funds_reinstated", "won", movements[:2]),
        ("funds_withdrawn", status, movements),
    ]
    for order in itertools.permutations(news):
        purchase = shop.sell()
        mine = {"id": f"dp_{purchase.pk}", "payment_intent": purchase.payment_intent}
        for what, then, known in order:
            told = dispute | mine | {"status": then, "balance_transactions": known}
            assert shop.happens(f"charge.dispute.{what}", told) == "applied"
        purchase.refresh_from_db()
        assert (purchase.clawed_nano, reversal_of(purchase).state) == (1000 * NANO, "taken"), order
        shop.happens("charge.dispute.funds_reinstated", told | {"balance_transactions": [*movements, movements[1]]})
        purchase.refresh_from_db()
        assert purchase.clawed_nano == 0
    assert checker.check() == []


def test_a_part_that_is_withdrawn_again_is_that_part(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "", 80)
    for movement, left in ((30, 500), (-10, 400), (20, 600)):
        shop.stripe.move(dispute["id"], movement)
        shop.happens("charge.dispute.updated", shop.stripe.disputes[dispute["id"]])
        assert shop.credits == (left, 0)
    assert checker.check() == []


def test_what_was_spent_is_owed_until_the_dispute_is_won(shop: Shop) -> None:
    purchase = shop.sell()
    spend(shop.buyer, 700)
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    shop.deliver_all()
    assert shop.credits == (0, 700)
    shop.stripe.win(dispute["id"])
    shop.deliver_all()
    assert shop.credits == (300, 0)


def test_a_refund_and_a_dispute_take_at_most_what_was_granted(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 40)
    dispute = shop.stripe.dispute(purchase.payment_intent or "", 100)
    shop.deliver_all()
    purchase.refresh_from_db()
    assert (shop.credits, purchase.clawed_nano) == ((0, 0), 1000 * NANO)
    shop.stripe.win(dispute["id"])
    shop.deliver_all()
    assert shop.credits == (600, 0)
    assert checker.check() == []


def test_what_comes_back_because_it_was_refunded_before_is_nobodys_credits(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 40)
    dispute = shop.stripe.dispute(purchase.payment_intent or "", 100)
    shop.stripe.lose(dispute["id"], reinstated=40)
    shop.deliver_all()
    assert shop.credits == (0, 0)
    assert (reversal_of_dispute().amount_minor, reversal_of_dispute().returned_minor) == (100, 40)
    assert checker.check() == []


def reversal_of_dispute() -> Reversal:
    return Reversal.objects.get(kind="dispute")


def test_a_refund_that_fails_under_a_dispute_returns_nothing(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 40, status="pending")
    shop.stripe.dispute(purchase.payment_intent or "", 100)
    shop.stripe.fail_refund(refund["id"])
    shop.deliver_all()
    assert shop.credits == (0, 0)
    assert reversal_of_dispute().taken_nano == 1000 * NANO
    assert checker.check() == []


def test_exchange_rates_are_no_part_of_what_is_won(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    shop.deliver_all()
    euros = [{"id": "txn_1", "amount": -92, "currency": "eur"}, {"id": "txn_2", "amount": 90, "currency": "eur"}]
    won = dispute | {"status": "won", "balance_transactions": euros}
    assert shop.happens("charge.dispute.closed", won) == "applied"
    assert shop.credits == (1000, 0)


def test_a_dispute_of_a_part_takes_a_part(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.dispute(purchase.payment_intent or "", 25)
    shop.deliver_all()
    assert shop.credits == (750, 0)


def test_a_dispute_above_the_price_takes_what_was_granted(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.dispute(purchase.payment_intent or "", 103)
    shop.deliver_all()
    purchase.refresh_from_db()
    assert (shop.credits, purchase.clawed_nano) == ((0, 0), 1000 * NANO)


def test_old_news_of_a_larger_amount_take_back_nothing_that_came_back(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "", 50)
    shop.stripe.lose(dispute["id"], reinstated=20)
    shop.deliver_all()
    assert shop.credits == (700, 0)
    before = {"balance_transactions": [{"id": "txn_1", "amount": -60, "currency": "usd"}], "status": "under_review"}
    shop.happens("charge.dispute.updated", dispute | before | {"amount": 60})
    assert (reversal_of_dispute().amount_minor, reversal_of_dispute().returned_minor) == (60, 20)
    assert shop.credits == (600, 0)
    assert checker.check() == []
