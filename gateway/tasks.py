"""What the worker does for the gateway: ends and records calls of dead workers, makes partitions, forgets the old."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from credits.models import Hold
from credits.services.sweep import sweep
from gateway import lost, telemetry
from gateway.once import stored
from gateway.partitions import make_partitions as make
from gateway.recorder import Record, write
from gateway.services import budget_alerts, keys
from gateway.usage import pruning
from gateway.usage.check import Days, check

log = logging.getLogger(__name__)


def _record(holds: Sequence[Hold]) -> None:
    rows = lost.rows_of(holds)
    write([Record(row, []) for row in rows])
    telemetry.tell([(row, []) for row in rows])


@shared_task
def sweep_holds() -> int:
    """End every hold whose worker is gone; returns how many. Idempotent."""
    holds = sweep()
    _record(holds)
    if holds:
        log.warning("%d calls of dead workers were ended", len(holds))
    return len(holds)


@shared_task
def record_lost_calls() -> int:
    """Write the rows that dead workers could not write any more; returns how many. Idempotent."""
    holds = lost.without_row()
    _record(holds)
    if holds:
        log.warning("%d calls of dead workers were recorded from their holds", len(holds))
    return len(holds)


@shared_task
def prune_access_tokens() -> int:
    """Forget sign-ins that ran out a week ago, and secrets whose grace period is over; returns how many. Idempotent."""
    return keys.prune_access_tokens(kept_s=7 * 24 * 3600) + keys.prune_former_secrets()


@shared_task
def prune_stored_answers() -> int:
    """Forget what was answered to calls with an Idempotency-Key too long ago; returns how many. Idempotent."""
    return stored.prune()


@shared_task
def make_partitions() -> list[str]:
    """Idempotent."""
    return make()


@shared_task
def prune_requests() -> list[str]:
    """Forget the requests of months that are to be kept no longer; returns which. Idempotent."""
    return [f"{month:%Y-%m}" for month in pruning.prune()]


@shared_task
def tell_of_budgets() -> int:
    """Returns how many marks were told of. Idempotent."""
    return budget_alerts.tell()


@shared_task
def check_usage() -> int:
    """Compare yesterday's and today's sums with requests and ledger; returns how many problems there are."""
    today = timezone.now().date()
    problems = check(Days(today - timedelta(days=1), today))
    for problem in problems:
        log.error("usage: %s", problem)
    return len(problems)
