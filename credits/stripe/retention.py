"""Forgets old events of which nothing more comes.

What is told once more after that is applied to what it did before, which it finds in purchases, reversals and the
journals' keys: it moves nothing. Those keys never expire.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from credits.models import StripeEvent

_BATCH = 500


def prune() -> int:
    """Delete what came STRIPE_EVENTS_KEPT_DAYS ago and neither waits nor needs a person; returns how many."""
    states = (StripeEvent.State.APPLIED, StripeEvent.State.IGNORED, StripeEvent.State.UNKNOWN)
    until = timezone.now() - timedelta(days=settings.STRIPE_EVENTS_KEPT_DAYS)
    old = StripeEvent.objects.filter(state__in=states, received_at__lt=until)
    deleted = 0
    while ids := list(old.order_by("received_at").values_list("pk", flat=True)[:_BATCH]):
        deleted += old.filter(pk__in=ids).delete()[0]
    return deleted
