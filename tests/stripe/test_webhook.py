"""POST /stripe/webhook lets in what Stripe signed a moment ago, and nothing else."""

import json
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import OperationalError
from django.test import Client

from credits.models import StripeEvent
from credits.stripe import events, pages
from tests.stripe.shop import WEBHOOK, Shop, send
from tests.stripe_stub import signature, signed

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def paid(shop: Shop) -> dict[str, Any]:
    """The event of a payment."""
    shop.pay(shop.buy())
    return shop.stripe.events[-1]


@pytest.fixture
def secret(shop: Shop, settings: Any) -> str:
    return str(settings.STRIPE_WEBHOOK_SECRET)


Forge = Callable[[bytes, str], str | None]
FORGERIES: dict[str, Forge] = {
    "none": lambda body, secret: None,
    "empty": lambda body, secret: "",
    "another secret": lambda body, secret: signature(body, "whsec_another"),
    "an empty secret": lambda body, secret: signature(body, ""),
    "over another body": lambda body, secret: signature(body + b" ", secret),
    "too old": lambda body, secret: signature(body, secret, at=time.time() - 310),
    "in the future": lambda body, secret: signature(body, secret, at=time.time() + 310),
    "no time": lambda body, secret: signature(body, secret).partition(",")[2],
    "two times": lambda body, secret: f"t={int(time.time())},{signature(body, secret, at=1)}",
    "a time of another kind": lambda body, secret: signature(body, secret).replace("t=", "t=0"),
    "another scheme": lambda body, secret: signature(body, secret).replace("v1=", "v0="),
    "letters from elsewhere": lambda body, secret: f"t={int(time.time())},v1=\xe9\xe9",
    "too long": lambda body, secret: signature(body, secret) + ",v1=" + "a" * 3000,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_stripe_did_not_just_sign_is_refused(shop: Shop, paid: dict[str, Any], secret: str, forge: Forge) -> None:
    body, _ = signed(paid, secret)
    response = send(body, forge(body, secret))
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "signature_invalid"
    assert not StripeEvent.objects.exists()
    assert shop.credits == (0, 0)


def test_a_clock_that_is_a_little_off_is_fine(shop: Shop, paid: dict[str, Any]) -> None:
    assert shop.deliver(paid, at=time.time() - 200) == "applied"
    assert shop.deliver(paid, at=time.time() + 200) == "applied"


def test_one_signature_of_several_will_do(shop: Shop, paid: dict[str, Any], secret: str) -> None:
    """As while the secret is being rolled."""
    body, header = signed(paid, secret)
    moment, good = header.split(",")
    assert send(body, f"{moment},v1={'0' * 64},{good},v0=abc").status_code == 200


def test_the_signature_is_over_the_very_bytes(shop: Shop, paid: dict[str, Any], secret: str) -> None:
    body = json.dumps(paid, indent=2).encode()
    assert send(body, signature(body, secret)).status_code == 200
    assert send(json.dumps(paid).encode(), signature(body, secret)).status_code == 400


def test_without_a_webhook_secret_nothing_is_taken(shop: Shop, paid: dict[str, Any], settings: Any) -> None:
    for secret in ("", " "):
        settings.STRIPE_WEBHOOK_SECRET = secret
        body, header = signed(paid, secret)
        assert send(body, header).status_code == 503
    assert shop.credits == (0, 0)


def test_where_nothing_is_for_sale_there_is_no_webhook(shop: Shop, paid: dict[str, Any], settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert shop.post(paid).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"object": "event"}', b"\xff\xfe", b'{"a":' * 50_000],
    ids=lambda body: str(body[:20]),
)
def test_what_is_signed_and_no_event_is_refused(shop: Shop, secret: str, body: bytes) -> None:
    assert send(body, signature(body, secret)).status_code == 400


@pytest.mark.parametrize(
    "lie", [{"created": "now"}, {"created": 10**15}, {"livemode": "true"}, {"id": 7}, {"id": ""}, {"data": []}], ids=str
)
def test_an_event_that_is_not_whole_is_refused(shop: Shop, paid: dict[str, Any], lie: dict[str, Any]) -> None:
    assert shop.deliver(paid | lie) == "400 no_event"


def test_a_large_body_is_refused(shop: Shop, secret: str) -> None:
    body = b" " * (pages.MOST_BYTES + 1)
    assert send(body, signature(body, secret)).status_code == 413


def test_of_a_body_of_unknown_length_no_more_is_read_than_it_may_have(shop: Shop) -> None:
    """As it comes in chunks: the connection keeps it below MAX_BODY_BYTES, and the view reads less."""
    stream = BytesIO(b" " * (4 * pages.MOST_BYTES))
    headers = [(b"transfer-encoding", b"chunked"), (b"stripe-signature", b"t=1,v1=00")]
    request = ASGIRequest({"type": "http", "method": "POST", "path": WEBHOOK, "headers": headers}, stream)
    assert pages.webhook(request).status_code == 413
    assert stream.tell() == pages.MOST_BYTES + 1


def test_a_body_that_comes_in_chunks_is_read_whole(shop: Shop, paid: dict[str, Any], secret: str) -> None:
    body, header = signed(paid, secret)
    headers = [(b"transfer-encoding", b"chunked"), (b"stripe-signature", header.encode())]
    request = ASGIRequest({"type": "http", "method": "POST", "path": WEBHOOK, "headers": headers}, BytesIO(body))
    assert pages.webhook(request).status_code == 200
    assert shop.credits == (1000, 0)


def test_it_is_posted(client: Client, shop: Shop) -> None:
    assert client.get(WEBHOOK).status_code == 405


def test_no_other_sites_token_is_asked_for(shop: Shop, paid: dict[str, Any], secret: str) -> None:
    body, header = signed(paid, secret)
    assert send(body, header, Client(enforce_csrf_checks=True)).status_code == 200


def test_the_other_mode_is_refused_and_kept(shop: Shop, paid: dict[str, Any]) -> None:
    assert shop.deliver(paid | {"livemode": True}) == "refused"
    assert shop.credits == (0, 0)


def test_another_account_is_of_no_concern(shop: Shop, paid: dict[str, Any]) -> None:
    assert shop.deliver(paid | {"account": "acct_1"}) == "ignored"
    assert shop.credits == (0, 0)


def test_where_the_database_is_away_it_is_to_come_again(
    shop: Shop, paid: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(event: dict[str, Any]) -> StripeEvent:
        raise OperationalError("gone")

    monkeypatch.setattr(events, "receive", away)
    response = shop.post(paid)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_what_breaks_on_the_way_is_kept_and_tried_again(shop: Shop, paid: dict[str, Any]) -> None:
    broken = shop.stripe.event("refund.created", {"id": "re_1", "object": "refund", "amount": 5})
    del broken["data"]["object"]["id"]
    assert shop.deliver(paid) == "applied"
    broken["data"]["object"] |= {"payment_intent": paid["data"]["object"]["payment_intent"], "currency": "usd"}
    broken["data"]["object"]["status"] = "succeeded"
    assert shop.deliver(broken) == "failed"
    row = StripeEvent.objects.get(pk=broken["id"])
    assert row.error.startswith("KeyError")
    assert row.next_try_at is not None
