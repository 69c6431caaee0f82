"""What waits for too long is told: on the front page, and by one alert a day."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits.models import Reversal, StripeEvent
from credits.stripe import overdue, waiting
from credits.stripe.own_refunds import request_refund
from credits.tasks import go_on_with_stripe
from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import Alert, AuditEntry
from tests.stripe.shop import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def stuck(shop: Shop, settings: Any) -> None:
    """An event and a refund, of a moment ago."""
    settings.ALERT_EMAILS, settings.EMAIL_URL = ["ops@example.org"], "smtp://127.0.0.1:25"
    shop.stripe.fail("POST /v1/refunds", "drop", "drop", "drop")
    request_refund(purchase=shop.sell(), reason="all of it")
    foreign = {"id": "cs_x", "metadata": {"opscenter_purchase": "01890000-0000-7000-8000-000000000000"}}
    assert shop.happens("checkout.session.completed", foreign) == "waiting"


def test_what_waits_for_a_moment_is_nobodys_concern(stuck: None) -> None:
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=23))
    Reversal.objects.update(created_at=timezone.now() - timedelta(minutes=55))
    assert list(overdue.found()) == []
    go_on_with_stripe()
    assert not Alert.objects.exists()


def test_what_waits_for_too_long_is_told_once_a_day(stuck: None) -> None:
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=25))
    Reversal.objects.update(created_at=timezone.now() - timedelta(hours=2))
    event, refund = overdue.found()
    assert (event.model, event.state, refund.model, refund.state) == (StripeEvent, "waiting", Reversal, "requested")
    assert event.text.startswith("Events that wait for their purchase: 1, the oldest since 20")
    go_on_with_stripe()
    go_on_with_stripe()
    days = {alert.about for alert in Alert.objects.all()}
    assert Alert.objects.count() == len(days) <= 2, "Two where midnight went by."
    alert = Alert.objects.latest("pk")
    assert (alert.type, alert.data["found"]) == ("credits.stripe_overdue", [event.text, refund.text])


def test_many_are_counted_to_a_hundred(stuck: None) -> None:
    row = StripeEvent.objects.get(state="waiting")
    facts = {"type": row.type, "livemode": False, "created": row.created, "payload": {}, "state": "waiting"}
    StripeEvent.objects.bulk_create(StripeEvent(id=f"evt_more_{n}", **facts) for n in range(110))
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=25))
    assert "100 or more, the oldest" in next(overdue.found()).text


def test_who_dismisses_one_that_waits_is_on_record(shop: Shop, stuck: None) -> None:
    row = StripeEvent.objects.get(state="waiting")
    with acting_as(Actor(user_id=5, source="admin")):
        assert waiting.dismiss(event_id=row.pk).state == "ignored"
        waiting.dismiss(event_id=row.pk)
    assert AuditEntry.objects.get(action="dismiss").user_id == 5
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=25))
    assert list(overdue.found()) == []
    applied = StripeEvent.objects.filter(state="applied").first()
    assert applied is not None
    assert waiting.dismiss(event_id=applied.pk).state == "applied"
