"""What the worker does for credits: proves the ledger, has credits expire, grants what plans give, goes on with
Stripe. All may run as often as one likes.
"""

import logging

from celery import shared_task

from credits.services import expiry, ledger_checks, low_balances, notices, plan_grants
from credits.stripe import overdue, own_refunds, reconciliation, retention, waiting

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


@shared_task
def go_on_with_stripe() -> dict[str, int]:
    """Apply events that waited, and finish refunds that were begun; how many of each. Tells of what waits for long."""
    done = {"events": waiting.retry_due(), "refunds": own_refunds.go_on()}
    notices.of_stripe_delays([one.text for one in overdue.found()])
    return done


@shared_task
def reconcile_stripe() -> int:
    """The number of differences; each is logged as an error."""
    return len(reconciliation.reconcile().differences)


@shared_task
def prune_stripe_events() -> int:
    """Returns how many were forgotten."""
    return retention.prune()


@shared_task
def tell_of_balances() -> int:
    """Returns how many have become low; what calls cost the operators is told of too."""
    notices.of_overruns()
    return low_balances.look()
