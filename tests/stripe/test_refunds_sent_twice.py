"""A refund that is submitted twice is paid once, and its credits stay held for as long as Stripe is being asked."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from credits.errors import RefundRefused, StripeRefused
from credits.models import Hold, Purchase
from credits.stripe.own_refunds import request_refund
from opscenter.core.errors import Conflict
from opscenter.core.models import User
from tests.stripe.shop import Shop

pytestmark = pytest.mark.django_db


def paid_back(shop: Shop) -> list[int]:
    return [refund["amount"] for refund in shop.stripe.refunds.values()]


def test_twice_under_one_id_is_paid_once(shop: Shop) -> None:
    purchase, id = shop.sell(), uuid4()
    first = request_refund(id=id, purchase=purchase, amount_minor=25, reason="a quarter")
    again = request_refund(id=id, purchase=purchase, amount_minor=25, reason="a quarter")
    assert (first.pk, again.pk, again.state) == (id, id, "taken")
    assert paid_back(shop) == [25]
    request_refund(purchase=purchase, amount_minor=25, reason="a quarter")
    assert paid_back(shop) == [25, 25]


def test_all_of_it_twice_is_no_error(shop: Shop) -> None:
    purchase, id = shop.sell(), uuid4()
    assert [request_refund(id=id, purchase=purchase, reason="all").amount_minor for _ in range(2)] == [100, 100]
    assert paid_back(shop) == [100]


def test_an_id_stands_for_one_amount_of_one_purchase(shop: Shop) -> None:
    purchase, other, id = shop.sell(), shop.sell(), uuid4()
    request_refund(id=id, purchase=purchase, amount_minor=25, reason="a quarter")
    for what, amount in ((purchase, 26), (other, 25)):
        with pytest.raises(Conflict, match="another amount or purchase"):
            request_refund(id=id, purchase=what, amount_minor=amount, reason="a quarter")
    assert paid_back(shop) == [25]


def test_what_stripe_refused_is_not_asked_for_again_under_its_id(shop: Shop) -> None:
    purchase, id = shop.sell(), uuid4()
    shop.stripe.fail("POST /v1/refunds", 402)
    with pytest.raises(StripeRefused):
        request_refund(id=id, purchase=purchase, reason="all")
    with pytest.raises(RefundRefused, match="submitted before, and failed"):
        request_refund(id=id, purchase=purchase, reason="all")
    assert paid_back(shop) == []


def asked(client: Client, purchase: Purchase, key: str) -> Any:
    url = f"/api/v1/llm/credits/purchases/{purchase.pk}/refund"
    body = {"amount_minor": 25, "reason": "a quarter"}
    return client.post(url, body, content_type="application/json", headers={"Idempotency-Key": key})


def test_the_api_takes_an_idempotency_key_of_each_operators_own(shop: Shop, client: Client) -> None:
    purchase = shop.sell()
    permission = Permission.objects.get(content_type__app_label="credits", codename="change_account")
    for name in ("olga", "otto"):
        user = User.objects.create_user(name)
        user.user_permissions.add(permission)
        client.force_login(user)
        answers = [asked(client, purchase, "one key") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
    assert paid_back(shop) == [25, 25]


@pytest.mark.django_db(transaction=True)
def test_the_hold_shows_signs_of_life_while_stripe_is_slow(shop: Shop, settings: Any) -> None:
    settings.LEASE_S, settings.STRIPE_TIMEOUT_S = 0.2, 3
    purchase = shop.sell()
    shop.stripe.fail("POST /v1/refunds", "hang")
    request_refund(purchase=purchase, reason="all")
    hold = Hold.objects.get()
    assert (hold.state, hold.delivered_tokens) == ("HELD", 0)
    assert hold.heartbeat_at > hold.created_at
