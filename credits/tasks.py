"""Nightly proof of the ledger. Idempotent: it only reads."""

import logging

from celery import shared_task

from credits import checker

logger = logging.getLogger(__name__)


@shared_task
def check_ledger() -> int:
    """The number of problems; each is logged as an error."""
    problems = checker.check()
    for problem in problems:
        logger.error("The ledger is wrong: %s", problem)
    return len(problems)
