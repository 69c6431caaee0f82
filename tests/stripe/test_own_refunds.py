"""Refunds that an operator starts: credits held first, money paid back once, credits taken."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from credits import checker
from credits.amounts import NANO
from credits.errors import RefundRefused, StripeRefused
from credits.models import Hold, Purchase, Reversal
from credits.services import wallets
from credits.services.sweep import sweep
from credits.stripe import own_refunds
from credits.stripe.own_refunds import request_refund
from gateway.models import RequestRow
from gateway.tasks import record_lost_calls, sweep_holds
from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import AuditEntry, User
from tests.credits.ledger import forget, held
from tests.stripe.shop import Shop, reversal_of
from tests.stripe.test_refunds import spend

pytestmark = pytest.mark.django_db


def test_it_pays_back_and_takes_the_credits(shop: Shop) -> None:
    purchase = shop.sell()
    with acting_as(Actor(user_id=5, source="admin")):
        reversal = request_refund(purchase=purchase, amount_minor=25, reason="a mistake")
    assert (reversal.state, reversal.taken_nano, reversal.actor) == ("taken", 250 * NANO, "user:5")
    assert shop.credits == (750, 0)
    (refund,) = shop.stripe.refunds.values()
    assert (refund["amount"], refund["metadata"]["opscenter_reversal"]) == (25, str(reversal.pk))
    assert f"refund:{reversal.pk}" in shop.stripe.idempotency_keys
    assert Hold.objects.get().basis == "refunded"
    assert AuditEntry.objects.get(action="refund_requested").user_id == 5
    assert checker.check() == []


def test_its_own_webhooks_take_nothing_more(shop: Shop) -> None:
    purchase = shop.sell()
    request_refund(purchase=purchase, reason="all of it")
    assert shop.deliver_all() == ["applied", "applied"]
    assert shop.credits == (0, 0)
    assert Reversal.objects.count() == 1


def test_repeated_parts_come_to_the_whole_and_no_further(shop: Shop) -> None:
    purchase = shop.sell()
    for amount in (30, 30, None):
        request_refund(purchase=purchase, amount_minor=amount, reason="bit by bit")
    assert shop.credits == (0, 0)
    with pytest.raises(RefundRefused) as caught:
        request_refund(purchase=purchase, amount_minor=1, reason="more")
    assert caught.value.details == {"refundable_minor": 0}
    assert sum(refund["amount"] for refund in shop.stripe.refunds.values()) == 100


def test_what_was_spent_is_not_paid_back(shop: Shop) -> None:
    purchase = shop.sell()
    spend(shop.buyer, 1)
    with pytest.raises(RefundRefused, match="1000 credits, and 999 are available"):
        request_refund(purchase=purchase, reason="all of it")
    assert not shop.stripe.refunds
    assert not Reversal.objects.exists()
    assert shop.credits == (999, 0)


def test_unless_the_buyer_may_owe_it(shop: Shop) -> None:
    purchase = shop.sell()
    spend(shop.buyer, 400)
    reversal = request_refund(purchase=purchase, reason="all of it", allow_debt=True)
    assert (reversal.state, reversal.hold_id) == ("taken", None)
    assert shop.credits == (0, 400)


def test_an_operators_freeze_keeps_nobody_from_being_paid_back(shop: Shop) -> None:
    purchase = shop.sell()
    wallets.freeze(account=shop.buyer)
    assert request_refund(purchase=purchase, reason="goodbye").state == "taken"


def test_what_was_never_paid_is_not_paid_back(shop: Shop) -> None:
    with pytest.raises(RefundRefused, match="not been paid"):
        request_refund(purchase=shop.buy(), reason="too early")


def test_where_stripe_refuses_the_credits_are_free_again(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.charge_of(purchase.payment_intent or "")["disputed"] = True
    with pytest.raises(StripeRefused, match="charged back") as caught:
        request_refund(purchase=purchase, reason="all of it")
    assert caught.value.code == "stripe_charge_disputed"
    assert reversal_of(purchase).state == "failed"
    held(shop.buyer, 1000 * NANO)
    assert checker.check() == []


@pytest.mark.parametrize("fault", [402, 401, 403])
def test_every_refusal_gives_the_credits_back(shop: Shop, fault: int) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", fault)
    with pytest.raises(StripeRefused):
        request_refund(purchase=purchase, reason="all of it")
    held(shop.buyer, 1000 * NANO)


def later(purchase: Purchase) -> None:
    """As if minutes had gone by."""
    Reversal.objects.filter(purchase=purchase).update(updated_at=timezone.now() - timedelta(minutes=5))


@pytest.mark.parametrize("fault", ["drop", "lose", 500, 503, 429])
def test_where_stripe_gives_no_answer_the_worker_goes_on_with_it(shop: Shop, fault: int | str) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", fault)
    reversal = request_refund(purchase=purchase, reason="all of it")
    assert reversal.state == "requested"
    assert own_refunds.go_on() == 0, "It may be under way."
    later(purchase)
    assert own_refunds.go_on() == 1
    assert len(shop.stripe.refunds) == 1
    assert reversal_of(purchase).state == "taken"
    assert shop.credits == (0, 0)
    assert checker.check() == []


def test_one_whose_process_died_is_held_again(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop")
    reversal = request_refund(purchase=purchase, reason="all of it")
    assert reversal.hold_id is not None
    forget(reversal.hold_id)
    assert sweep_holds() == 1
    later(purchase)
    assert own_refunds.go_on() == 1
    assert reversal_of(purchase).hold_id != reversal.hold_id
    assert shop.credits == (0, 0)
    assert not Hold.objects.open().exists()
    assert checker.check() == []


def test_one_whose_credits_were_spent_meanwhile_is_given_up(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop")
    reversal = request_refund(purchase=purchase, reason="all of it")
    assert reversal.hold_id is not None
    forget(reversal.hold_id)
    sweep()
    spend(shop.buyer, 500)
    later(purchase)
    assert own_refunds.go_on() == 1
    assert reversal_of(purchase).state == "failed"
    assert not shop.stripe.refunds
    assert shop.credits == (500, 0)


def test_one_that_allowed_debt_still_does(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop")
    reversal = request_refund(purchase=purchase, reason="all of it", allow_debt=True)
    assert reversal.hold_id is not None
    forget(reversal.hold_id)
    sweep()
    spend(shop.buyer, 500)
    later(purchase)
    assert own_refunds.go_on() == 1
    assert (reversal_of(purchase).state, shop.credits) == ("taken", (0, 500))
    assert checker.check() == []


def test_one_that_was_given_up_meanwhile_is_not_sent(shop: Shop) -> None:
    """By another worker, between this one's look and its turn."""
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop")
    reversal = request_refund(purchase=purchase, reason="all of it")
    Reversal.objects.update(state="failed")
    assert not own_refunds._held_again(reversal)
    assert reversal.state == "failed"


def test_those_that_stripe_never_answers_keep_nobody_waiting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_refunds, "_AT_ONCE", 1)
    first, second = shop.sell(), shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop", "drop")
    for purchase in (first, second):
        request_refund(purchase=purchase, reason="all of it")
        later(purchase)
    shop.stripe.fail("POST /v1/refunds", 500)
    assert [own_refunds.go_on(), own_refunds.go_on()] == [0, 1]
    assert (reversal_of(first).state, reversal_of(second).state) == ("requested", "taken")


def test_one_that_stripe_has_is_taken_though_its_hold_is_gone(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "lose")
    reversal = request_refund(purchase=purchase, reason="all of it")
    assert reversal.hold_id is not None
    forget(reversal.hold_id)
    sweep()
    spend(shop.buyer, 300)
    later(purchase)
    assert own_refunds.go_on() == 1
    assert (reversal_of(purchase).state, shop.credits) == ("taken", (0, 300))


def test_the_hold_of_a_refund_is_no_call(shop: Shop) -> None:
    request_refund(purchase=shop.sell(), reason="all of it")
    Hold.objects.update(closed_at=timezone.now() - timedelta(minutes=10))
    assert record_lost_calls() == 0
    assert not RequestRow.objects.exists()


def test_a_refund_of_ours_that_fails_later_gives_the_credits_back(shop: Shop) -> None:
    purchase = shop.sell()
    reversal = request_refund(purchase=purchase, reason="all of it")
    shop.stripe.fail_refund(reversal.stripe_id or "")
    shop.deliver_all()
    assert (reversal_of(purchase).state, shop.credits) == ("returned", (1000, 0))
    assert request_refund(purchase=purchase, reason="once more").state == "taken"


# --- over the API ---


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(content_type__app_label="credits", codename="change_account"))
    client.force_login(user)
    return client


def post(client: Client, purchase: Purchase, **body: Any) -> Any:
    url = f"/api/v1/llm/credits/purchases/{purchase.pk}/refund"
    return client.post(url, body, content_type="application/json")


def test_operators_may_refund(shop: Shop, operator: Client) -> None:
    purchase = shop.sell()
    answer = post(operator, purchase, amount_minor=50, reason="half of it")
    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["taken"]) == ("taken", "500")
    assert post(operator, purchase, amount_minor=51, reason="too much").json()["error"]["code"] == "refund_refused"
    assert post(operator, purchase).status_code == 422


def test_a_refund_that_is_under_way_is_accepted(shop: Shop, operator: Client) -> None:
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "drop")
    assert post(operator, purchase, reason="all of it").status_code == 202


def test_buyers_may_not(shop: Shop, client: Client) -> None:
    purchase = shop.sell()
    assert shop.buyer.user is not None
    client.force_login(shop.buyer.user)
    assert post(client, purchase, reason="mine").status_code == 403
