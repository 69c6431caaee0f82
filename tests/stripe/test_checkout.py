"""Buying: over the API, and the page that buyers come back to."""

from socket import socket
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client

from credits.amounts import NANO
from credits.models import Account, Package, Purchase
from tests.gateway.people import key_of
from tests.stripe.shop import Shop, a_package

pytestmark = [pytest.mark.django_db, pytest.mark.once]
BUY = "/api/v1/llm/credits/purchase"


@pytest.fixture
def buyer(shop: Shop, client: Client) -> Client:
    assert shop.buyer.user is not None
    shop.buyer.user.groups.add(Group.objects.get(name="LLM user"))
    client.force_login(shop.buyer.user)
    return client


def buy(client: Client, package: str = "thousand", **headers: str) -> Any:
    return client.post(BUY, {"package": package}, content_type="application/json", headers=headers)


def test_a_purchase_is_paid_at_stripe(shop: Shop, buyer: Client) -> None:
    answer = buy(buyer)
    assert answer.status_code == 201
    bought = answer.json()
    purchase = Purchase.objects.get(pk=bought["id"])
    session = shop.stripe.sessions[purchase.session_id or ""]
    assert bought["url"] == session["url"]
    assert (bought["state"], bought["credits"]) == ("open", "1000")
    assert (bought["amount_minor"], bought["currency"]) == (100, "usd")
    assert (session["amount_total"], session["currency"], session["client_reference_id"]) == (100, "usd", bought["id"])
    assert session["metadata"] == {"opscenter_purchase": bought["id"], "opscenter_package": "thousand"}
    assert session["success_url"] == f"https://ops.example/credits/purchases/{bought['id']}"
    assert shop.stripe.last["adaptive_pricing"] == {"enabled": "false"}
    assert shop.stripe.last["payment_intent_data"]["metadata"] == session["metadata"]


def test_a_virtual_key_buys_for_its_account(shop: Shop, client: Client) -> None:
    assert shop.buyer.user is not None
    shop.buyer.user.groups.add(Group.objects.get(name="LLM user"))
    key = key_of(shop.buyer.user)
    answer = buy(client, Authorization=f"Bearer {key.plaintext}")
    assert answer.status_code == 201
    purchase = Purchase.objects.get(pk=answer.json()["id"])
    assert (purchase.account, purchase.actor) == (shop.buyer, f"key:{key.row.pk}")


def test_what_was_bought_is_granted_at_what_it_was_sold_at(shop: Shop, package: Package) -> None:
    purchase = shop.buy()
    Package.objects.filter(pk=package.pk).update(credits_nano=5 * NANO, price_minor=999, version=2)
    shop.pay(purchase)
    assert shop.deliver_all() == ["applied"]
    assert shop.credits == (1000, 0)


def test_what_is_for_sale_is_listed(shop: Shop, buyer: Client) -> None:
    Package.objects.exclude(slug="thousand").delete()
    a_package("old").__class__.objects.filter(slug="old").update(active=False)
    listed = buyer.get("/api/v1/llm/credits/packages").json()
    assert listed == [
        {"slug": "thousand", "name": "Thousand", "credits": "1000", "price_minor": 100, "currency": "usd"}
    ]
    assert buy(buyer, "old").status_code == 404


def test_an_unknown_package_is_not_for_sale(shop: Shop, buyer: Client) -> None:
    assert buy(buyer, "million").json()["error"]["code"] == "no_such_package"
    assert not Purchase.objects.exists()


def test_nothing_is_for_sale_without_a_key(shop: Shop, buyer: Client, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    answer = buy(buyer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "purchases_off")
    assert not Purchase.objects.exists()


@pytest.mark.parametrize(
    ("fault", "status", "code", "state"),
    [
        ("drop", 503, "stripe_unavailable", "open"),
        ("lose", 503, "stripe_unavailable", "open"),
        (500, 503, "stripe_unavailable", "open"),
        (429, 503, "stripe_unavailable", "open"),
        (401, 502, "stripe_refused", "failed"),
        (400, 502, "stripe_refused", "failed"),
        (402, 502, "stripe_refused", "failed"),
    ],
)
def test_where_stripe_fails_nothing_is_lost(
    shop: Shop, buyer: Client, fault: int | str, status: int, code: str, state: str
) -> None:
    shop.stripe.fail("POST /v1/checkout", fault)
    answer = buy(buyer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert shop.stripe.secret_key not in answer.content.decode()
    assert Purchase.objects.get().state == state
    assert shop.credits == (0, 0)


def test_a_request_does_not_wait_for_ever(shop: Shop, buyer: Client, settings: Any) -> None:
    settings.STRIPE_TIMEOUT_S = 0.3
    shop.stripe.fail("POST /v1/checkout", "hang")
    assert buy(buyer).json()["error"]["code"] == "stripe_unavailable"
    assert not shop.stripe.sessions


def test_a_request_that_failed_is_repeated_under_one_key(shop: Shop, buyer: Client, settings: Any) -> None:
    settings.STRIPE_RETRIES = 2
    shop.stripe.fail("POST /v1/checkout", "lose", 503)
    assert buy(buyer).status_code == 201
    assert (len(shop.stripe.sessions), len(shop.stripe.asked)) == (1, 3)


def test_nobody_opens_purchases_without_end(shop: Shop, buyer: Client) -> None:
    for _ in range(20):
        assert buy(buyer).status_code == 201
    answer = buy(buyer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_purchases")


# --- the page ---


def page(client: Client, purchase: Purchase, query: str = "") -> Any:
    return client.get(f"/credits/purchases/{purchase.pk}{query}")


def test_who_comes_back_before_the_webhook_has_the_credits(shop: Shop, buyer: Client) -> None:
    purchase = shop.buy()
    shop.pay(purchase)
    shown = page(buyer, purchase)
    assert "1000 credits have been added. Your balance is 1000 credits." in shown.content.decode()
    assert shop.credits == (1000, 0)


def test_who_has_not_paid_is_told_so(shop: Shop, buyer: Client) -> None:
    purchase = shop.buy()
    assert "not confirmed yet" in page(buyer, purchase).content.decode()
    cancelled = page(buyer, purchase, "?cancelled=1").content.decode()
    assert "nothing was charged" in cancelled
    assert purchase.url in cancelled
    shop.stripe.expire(purchase.session_id or "")
    cache.clear()
    assert "not paid in time" in page(buyer, purchase).content.decode()
    assert shop.credits == (0, 0)


def test_a_page_that_is_loaded_over_and_over_asks_stripe_once_in_a_while(shop: Shop, buyer: Client) -> None:
    purchase, other = shop.buy(), shop.buy()
    looks = f"GET /v1/checkout/sessions/{purchase.session_id}"
    for _ in range(5):
        assert "not confirmed yet" in page(buyer, purchase).content.decode()
    assert shop.stripe.asked.count(looks) == 1
    shop.pay(purchase)
    shop.pay(other)
    assert "have been added" in page(buyer, other).content.decode(), "It is by purchase."
    shop.deliver_all()
    assert "have been added" in page(buyer, purchase).content.decode(), "What is known here is shown."
    assert shop.stripe.asked.count(looks) == 1


def test_without_the_cache_stripe_is_asked(shop: Shop, buyer: Client, settings: Any) -> None:
    away = {"SOCKET_CONNECT_TIMEOUT": 0.2, "IGNORE_EXCEPTIONS": True}
    with socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        redis = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": address, "OPTIONS": away}
        settings.CACHES = {"default": redis}
        purchase = shop.buy()
        page(buyer, purchase)
        shop.pay(purchase)
        assert "have been added" in page(buyer, purchase).content.decode()


def test_where_stripe_is_away_the_page_comes_all_the_same(shop: Shop, buyer: Client) -> None:
    purchase = shop.buy()
    shop.stripe.fail("GET /v1/checkout", "drop")
    assert "not confirmed yet" in page(buyer, purchase).content.decode()


def test_what_contradicts_the_purchase_is_not_granted_to_who_comes_back(shop: Shop, buyer: Client) -> None:
    purchase = shop.buy()
    shop.pay(purchase, amount_total=1)
    assert "not confirmed yet" in page(buyer, purchase).content.decode()
    assert shop.credits == (0, 0)


def test_it_is_the_buyers_alone(shop: Shop, buyer: Client, bob: Account) -> None:
    purchase = shop.buy()
    assert bob.user is not None
    buyer.force_login(bob.user)
    assert page(buyer, purchase).status_code == 404
    buyer.logout()
    assert page(buyer, purchase).headers["Location"].startswith("/accounts/login/")


def test_it_has_no_script_or_style_of_its_own(shop: Shop, buyer: Client) -> None:
    shown = page(buyer, shop.buy()).content.decode()
    assert "<script" not in shown
    assert "style=" not in shown
