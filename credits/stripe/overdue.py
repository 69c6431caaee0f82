"""What has waited for too long by itself: events for their purchase, refunds of ours for Stripe's answer. For the front
page, and for the alert of a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from credits.models import Reversal, StripeEvent
from credits.stripe import client

_EVENTS_WAIT = timedelta(days=1)
_REFUNDS_WAIT = timedelta(hours=1)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Overdue:
    """The rows are those of `model` whose state is `state`, and some that are younger."""

    model: type[Model]
    state: str
    text: str


def found() -> Iterator[Overdue]:
    """Two queries, of the few rows that partial indexes hold; none where nothing is for sale: nobody could go on."""
    if not client.is_on():
        return
    now = timezone.now()
    waiting = StripeEvent.objects.filter(state=StripeEvent.State.WAITING, received_at__lt=now - _EVENTS_WAIT)
    if said := _said(waiting, "received_at"):
        text = f"Events that wait for their purchase: {said}. What is not sold here can be dismissed."
        yield Overdue(StripeEvent, StripeEvent.State.WAITING.value, text)
    requested = Reversal.objects.filter(state=Reversal.State.REQUESTED, created_at__lt=now - _REFUNDS_WAIT)
    if said := _said(requested, "created_at"):
        text = f"Refunds that Stripe has not answered: {said}. The worker's log says why."
        yield Overdue(Reversal, Reversal.State.REQUESTED.value, text)


def _said(rows: QuerySet[StripeEvent] | QuerySet[Reversal], since: str) -> str:
    """ "3, the oldest since 2026-11-22 05:00"; "" for none."""
    times: list[datetime] = list(rows.order_by(since).values_list(since, flat=True)[: _MOST + 1])
    count = f"{_MOST} or more" if len(times) > _MOST else str(len(times))
    return f"{count}, the oldest since {times[0]:%Y-%m-%d %H:%M}" if times else ""
