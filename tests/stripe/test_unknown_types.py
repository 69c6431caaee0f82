"""Events of types that this version has no use for: kept, shown, and taken up by a version that has."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits.models import StripeEvent
from credits.stripe import handling
from credits.stripe.waiting import retry_due, retry_event
from tests.stripe.shop import Shop, stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def old_version(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One that has no refunds."""
    monkeypatch.setattr(handling, "HANDLERS", {"checkout.session.completed": handling._session})
    return monkeypatch


@pytest.fixture
def refunded(shop: Shop, old_version: pytest.MonkeyPatch) -> dict[str, Any]:
    """An event of 40 % paid back, as the old version kept it."""
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 40)
    event = shop.stripe.events_of("refund.created")[0]
    assert [shop.deliver(event), shop.deliver(event)] == ["unknown", "unknown"]
    assert shop.credits == (1000, 0)
    return event


def test_one_stays_unknown_however_often_it_is_tried(shop: Shop, refunded: dict[str, Any]) -> None:
    assert retry_due() == 0
    row = retry_event(event_id=refunded["id"])
    assert (row.state, row.is_finished, row.next_try_at, row.payment_intent) == (
        "unknown",
        False,
        None,
        refunded["data"]["object"]["payment_intent"],
    )
    assert f"GET /v1/events/{refunded['id']}" not in shop.stripe.asked


def test_a_version_that_knows_it_takes_it_up_by_itself(
    shop: Shop, refunded: dict[str, Any], old_version: pytest.MonkeyPatch
) -> None:
    old_version.undo()
    assert [retry_due(), retry_due()] == [1, 0]
    assert (stored(refunded).state, shop.credits) == ("applied", (600, 0))


@pytest.mark.parametrize("was_kept", [{}, {"data": {"object": {}}}])
def test_what_was_not_kept_of_it_is_asked_of_stripe(
    shop: Shop, refunded: dict[str, Any], old_version: pytest.MonkeyPatch, was_kept: dict[str, Any]
) -> None:
    StripeEvent.objects.filter(pk=refunded["id"]).update(payload=was_kept, payment_intent="")
    old_version.undo()
    row = retry_event(event_id=refunded["id"])
    assert (row.state, row.payment_intent) == ("applied", refunded["data"]["object"]["payment_intent"])
    assert shop.credits == (600, 0)


def test_where_stripe_has_it_no_more_what_was_kept_does(
    shop: Shop, refunded: dict[str, Any], old_version: pytest.MonkeyPatch
) -> None:
    shop.stripe.events.clear()
    old_version.undo()
    assert retry_due() == 1
    assert shop.credits == (600, 0)


def test_where_stripe_is_away_it_is_tried_later(
    shop: Shop, refunded: dict[str, Any], old_version: pytest.MonkeyPatch
) -> None:
    old_version.undo()
    shop.stripe.fail("GET /v1/events", 500, "drop")
    assert [retry_due(), retry_due()] == [0, 0]
    assert shop.stripe.asked.count(f"GET /v1/events/{refunded['id']}") == 1, "Not at every look."
    StripeEvent.objects.filter(pk=refunded["id"]).update(next_try_at=timezone.now() - timedelta(seconds=1))
    shop.stripe.fail("GET /v1/events")
    assert retry_due() == 1
    assert shop.credits == (600, 0)


def test_one_that_is_sent_again_is_taken_as_it_is_now(
    shop: Shop, refunded: dict[str, Any], old_version: pytest.MonkeyPatch
) -> None:
    """By hand, in Stripe's dashboard."""
    StripeEvent.objects.filter(pk=refunded["id"]).update(payload={})
    old_version.undo()
    assert shop.deliver(refunded) == "applied"
    assert shop.credits == (600, 0)
