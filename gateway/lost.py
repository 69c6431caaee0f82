"""Calls whose worker died before their row was written: it is made of their hold, and of what the ledger moved."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from credits.models import Hold
from gateway import records
from gateway.models import RequestRow
from gateway.records import time_of
from gateway.rows import RequestValues
from gateway.usage.moved import NOTHING_MOVED, moved

# Longer than a call, an outage of the database and a pause of the worker that looks take together.
_LOOK_BACK = timedelta(hours=2)


def rows_of(holds: Iterable[Hold]) -> list[RequestValues]:
    """Of holds that have ended. One without a key is no call's: a refund holds credits, too."""
    calls = [hold for hold in holds if hold.virtual_key_id is not None]
    by_id = moved(hold.pk for hold in calls)
    return [records.lost(hold, by_id.get(hold.pk, NOTHING_MOVED)) for hold in calls]


def without_row(limit: int = 10_000) -> list[Hold]:
    """Of the last two hours, ended more than LEASE_S ago: a living worker's recorder has long written theirs."""
    now = timezone.now()
    ended_before = now - timedelta(seconds=settings.LEASE_S)
    return ended_without_row(since=now - _LOOK_BACK, until=now, ended_before=ended_before, limit=limit)


def ended_without_row(*, since: datetime, until: datetime, ended_before: datetime, limit: int) -> list[Hold]:
    """Holds of calls that began in this time.

    Ids begin with their time: so both tables are read by index from that time on.
    """
    first = first_id(since)
    rows = RequestRow.objects.filter(pk=OuterRef("pk"), created_at__gte=time_of(first))
    ended = Hold.objects.exclude(state=Hold.State.HELD).filter(
        pk__gte=first, pk__lt=first_id(until), closed_at__lt=ended_before, virtual_key_id__isnull=False
    )
    return list(ended.filter(~Exists(rows)).select_related("account").order_by("pk")[:limit])


def first_id(moment: datetime) -> UUID:
    """No UUIDv7 made since is smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
