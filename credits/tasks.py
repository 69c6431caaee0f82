"""What the worker does for credits: proves the ledger, has credits expire, grants what plans give.

All may run as often as one likes.
"""

import logging

from celery import shared_task

from credits.services import expiry, ledger_checks, plan_grants

logger = logging.getLogger(__name__)


@shared_task
def check_ledger(check_id: int | None = None) -> int:
    """The number of problems; each of the first is logged as an error."""
    check = ledger_checks.make(check_id)
    for finding in check.findings:
        logger.error("The ledger is wrong: %s", finding)
    return check.problems or 0


@shared_task
def expire_credits() -> int:
    """Nanocredits that left wallets which nothing else moves."""
    return expiry.expire()


@shared_task
def grant_plans() -> int:
    """Returns how many grants were made."""
    return plan_grants.give_due()
