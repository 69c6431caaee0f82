"""Calls whose worker died after their hold had ended and before their row was written: a fraction of a second."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from credits.models import Hold
from gateway.models import RequestRow
from gateway.records import time_of

# Longer than a call, an outage of the database and a pause of the worker that looks take together.
_LOOK_BACK = timedelta(hours=2)


def without_row(limit: int = 10_000) -> list[Hold]:
    """Holds of the last two hours that ended more than LEASE_S ago: a living worker's recorder has long written theirs.

    Ids begin with their time: so both tables are read by index from that time on.
    """
    now = timezone.now()
    first = _first_id(now - _LOOK_BACK)
    rows = RequestRow.objects.filter(pk=OuterRef("pk"), created_at__gte=time_of(first))
    ended = Hold.objects.exclude(state=Hold.State.HELD).filter(
        pk__gte=first, closed_at__lt=now - timedelta(seconds=settings.LEASE_S)
    )
    return list(ended.filter(~Exists(rows)).select_related("account").order_by("pk")[:limit])


def _first_id(moment: datetime) -> UUID:
    """No UUIDv7 made since is smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
