"""Refunds that are started at Stripe: what they take, in whatever parts and order they become known."""

import itertools
from functools import partial

import pytest

from credits import checker
from credits.amounts import NANO
from credits.models import Account, Journal, Reversal
from credits.services import grants
from tests.credits.ledger import held, reserve, system_sum, void
from tests.stripe.shop import Shop, a_package, reversal_of, stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def spend(account: Account, credits: int) -> None:
    grants.adjust(account=account, amount_nano=-credits * NANO, reason="spent, for the test")


def test_a_refund_takes_its_part_of_the_credits(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 30)
    assert shop.deliver_all() == ["applied", "applied"]
    assert shop.credits == (700, 0)
    reversal = reversal_of(purchase)
    assert (reversal.state, reversal.amount_minor, reversal.taken_nano) == ("taken", 30, 300 * NANO)
    journal = Journal.objects.get(idempotency_key=f"stripe:re:{reversal.stripe_id}")
    assert journal.kind == "refund"
    assert system_sum("refunds") == 300 * NANO
    assert checker.check() == []


def test_parts_never_take_more_or_less_than_the_whole(shop: Shop) -> None:
    """Of credits that don't divide by the price."""
    purchase = shop.sell(a_package("odd", credits=1, price=99))
    for amount in (33, 1, 32, 33):
        shop.stripe.refund(purchase.payment_intent or "", amount)
    shop.deliver_all()
    purchase.refresh_from_db()
    assert purchase.clawed_nano == purchase.credits_nano == sum(one.taken_nano for one in purchase.reversals.all())
    assert shop.buyer.__class__.objects.get(pk=shop.buyer.pk).posted == 0


def test_the_order_of_news_does_not_matter(shop: Shop) -> None:
    """Two refunds, one of which fails, in every order of their four messages."""
    purchase = shop.buy()
    shop.pay(purchase)
    payment = str(shop.stripe.sessions[purchase.session_id or ""]["payment_intent"])
    shop.deliver_all()
    first = shop.stripe.refund(payment, 30, status="pending")["id"]
    shop.stripe.refund(payment, 30)
    shop.stripe.fail_refund(first)
    news = shop.stripe.events_of("refund.created", "refund.updated", "refund.failed")
    assert len(news) == 4
    for order in itertools.permutations(range(4)):
        another = shop.sell()
        for n in order:
            thing = news[n]["data"]["object"]
            renamed = {"id": f"{thing['id']}_{another.pk}", "payment_intent": another.payment_intent}
            assert shop.happens(news[n]["type"], thing | renamed) == "applied"
        another.refresh_from_db()
        assert another.clawed_nano == 300 * NANO, order
        states = {one.returned_minor > 0: one.state for one in another.reversals.all()}
        assert states.pop(False) == "taken"
        assert states.pop(True) in ("failed", "returned"), order
    assert checker.check() == []


def test_a_refund_that_fails_gives_the_credits_back(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 100, status="pending")
    shop.deliver_all()
    assert shop.credits == (0, 0)
    shop.stripe.fail_refund(refund["id"])
    assert shop.deliver_all() == ["applied", "applied"]
    assert shop.credits == (1000, 0)
    reversal = reversal_of(purchase)
    assert (reversal.state, reversal.taken_nano) == ("returned", 0)
    assert Journal.objects.get(idempotency_key=f"stripe:re:{refund['id']}:failed").kind == "return"
    assert checker.check() == []


def test_what_was_spent_becomes_debt_and_later_money_pays_it_first(shop: Shop) -> None:
    purchase = shop.sell()
    spend(shop.buyer, 800)
    shop.stripe.refund(purchase.payment_intent or "", 100)
    shop.deliver_all()
    assert shop.credits == (0, 800)
    refused = reserve(shop.buyer, 1)
    assert getattr(refused, "reason", "") == "frozen"
    shop.sell()
    assert shop.credits == (200, 0)
    held(shop.buyer, 200 * NANO)
    assert checker.check() == []


def test_a_failed_refund_pays_the_debt_that_it_made(shop: Shop) -> None:
    purchase = shop.sell()
    spend(shop.buyer, 800)
    refund = shop.stripe.refund(purchase.payment_intent or "", 100, status="pending")
    shop.deliver_all()
    shop.stripe.fail_refund(refund["id"])
    shop.deliver_all()
    assert shop.credits == (200, 0)


def test_credits_that_calls_hold_are_not_taken_from_them(shop: Shop) -> None:
    purchase = shop.sell()
    hold = held(shop.buyer, 900 * NANO)
    shop.stripe.refund(purchase.payment_intent or "", 100)
    shop.deliver_all()
    assert shop.credits == (900, 900)
    void(hold)
    assert shop.credits == (0, 0)
    assert checker.check() == []


def test_a_charge_of_an_old_api_version_lists_its_refunds(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 50)
    listed = {name: refund[name] for name in ("id", "object", "amount", "currency", "status")}
    charge = shop.stripe.charge_of(purchase.payment_intent or "") | {"refunds": {"data": [listed], "has_more": False}}
    assert shop.happens("charge.refunded", charge) == "applied"
    assert shop.credits == (500, 0)


def test_a_charge_whose_refunds_are_not_known_yet_waits(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 50)
    created, refunded = shop.stripe.events[-2:]
    assert shop.deliver(refunded) == "waiting"
    assert shop.credits == (1000, 0)
    assert shop.deliver(created) == "applied"
    assert shop.deliver(refunded) == "applied"
    assert shop.credits == (500, 0)


def test_what_came_before_its_purchase_is_applied_with_it(shop: Shop) -> None:
    purchase = shop.buy()
    payment = shop.pay(purchase)
    shop.stripe.refund(payment, 40)
    paid, created, refunded = shop.stripe.events
    assert shop.deliver(created) == "waiting"
    assert shop.deliver(refunded) == "waiting"
    assert shop.deliver(paid) == "applied"
    assert stored(created).state == stored(refunded).state == "applied"
    assert shop.credits == (600, 0)


@pytest.mark.parametrize(
    "lie",
    [{"amount": 101}, {"amount": 0}, {"amount": "30"}, {"currency": "eur"}, {"status": "unheard of"}],
    ids=str,
)
def test_what_contradicts_the_purchase_is_refused(shop: Shop, lie: dict[str, object]) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 30)
    assert shop.happens("refund.created", refund | lie) == "refused"
    assert shop.credits == (1000, 0)
    assert not Reversal.objects.exists()


def test_a_known_refund_is_of_one_amount(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 30)
    shop.deliver_all()
    assert shop.happens("refund.updated", refund | {"amount": 40}) == "refused"
    assert shop.credits == (700, 0)


def test_repetitions_take_nothing_more(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 30, status="pending")
    shop.stripe.confirm_refund(refund["id"])
    again = partial(shop.happens, "refund.updated", refund)
    assert [*shop.deliver_all(), again(), again()] == ["applied"] * 5
    assert shop.credits == (700, 0)
