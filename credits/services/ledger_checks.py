"""Checks of the ledger whose outcome is kept: asked for here, made by the worker."""

from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import ChannelError, OperationalError

from credits import checker
from credits.errors import LedgerUnavailable
from credits.models import LedgerCheck
from credits.services import notices
from opscenter.core import audit, task_runs

TASK = "credits.tasks.check_ledger"
HEARTBEAT_TASK = "gateway.tasks.sweep_holds"
"""The task that a living worker runs most often."""


def ask() -> LedgerCheck:
    """Hand a check to the worker. Raises LedgerUnavailable where tasks can't be handed over."""
    check = LedgerCheck.objects.create(asked_by=audit.current_actor().name)
    try:
        current_app.tasks[TASK].apply_async(args=(check.pk,), retry=False)
    except (ChannelError, OperationalError, OSError) as error:
        check.delete()
        raise LedgerUnavailable("The check could not be handed to the worker: the task queue is away.") from error
    return check


def make(check_id: int | None = None) -> LedgerCheck:
    """Check the ledger and keep what was found; a check that was asked for is made once."""
    check = LedgerCheck.objects.filter(pk=check_id).first() if check_id else None
    check = check or LedgerCheck(asked_by=audit.Actor.task("check_ledger").name)
    if check.finished_at is None:
        found = checker.check()
        check.problems = len(found)
        check.findings = [str(problem)[:500] for problem in found[: LedgerCheck.MOST_FINDINGS]]
        check.finished_at = timezone.now()
        with transaction.atomic():
            check.save()
            notices.of_problems(check)
    return check


def worker_is_alive() -> bool:
    """Whether a worker has swept within the last three intervals."""
    return is_recent(last_sweep())


def last_sweep() -> timedelta | None:
    """How long ago a worker last swept; None if none ever did."""
    return task_runs.age(HEARTBEAT_TASK)


def is_recent(swept: timedelta | None) -> bool:
    """Whether a worker that swept so long ago counts as alive."""
    return swept is not None and swept.total_seconds() < 3 * settings.SWEEP_INTERVAL_S + 10
