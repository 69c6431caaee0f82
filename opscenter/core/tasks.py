"""What the worker does for signing in: forgets sessions and failures that are over."""

from celery import shared_task

from opscenter.core.signin import pruning


@shared_task
def prune_sessions() -> int:
    """Returns how many. Idempotent."""
    return pruning.prune_sessions()


@shared_task
def prune_failed_sign_ins() -> int:
    """Returns how many rows. Idempotent."""
    return pruning.prune_failures()
