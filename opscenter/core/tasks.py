"""What the worker does for the ground: sends alerts, forgets sign-ins that are over, verifies the audit log."""

import logging

from celery import shared_task

from opscenter.core import audit_check
from opscenter.core.alerts import delivery
from opscenter.core.signin import pruning

log = logging.getLogger(__name__)
_MOST_LOGGED = 100


@shared_task
def send_alerts() -> int:
    """Returns how many were sent."""
    return delivery.deliver()


@shared_task
def prune_alerts() -> int:
    """Returns how many. Idempotent."""
    return delivery.prune()


@shared_task
def prune_sessions() -> int:
    """Returns how many. Idempotent."""
    return pruning.prune_sessions()


@shared_task
def prune_failed_sign_ins() -> int:
    """Returns how many rows. Idempotent."""
    return pruning.prune_failures()


@shared_task
def verify_audit() -> int:
    """The number of problems; the first are logged as errors. The chain's end, in the log, is an anchor for later."""
    report = audit_check.check()
    for problem in report.problems[:_MOST_LOGGED]:
        log.error("The audit log is wrong: %s", problem)
    log.info("The audit log has %d entries, and its chain ends at %s", report.entries, report.end)
    return len(report.problems)
