"""What the worker does for providers: rotates keys, looks how providers are, tells of changes. All are idempotent."""

from celery import shared_task

from llmconfig.health import alerts, rollups, run
from llmconfig.services import due_rotations
from opscenter.core.audit import Actor, acting_as


@shared_task
def rotate_due_keys() -> dict[str, int]:
    """Put staged keys into use, then erase former ones; how many of each. Idempotent."""
    with acting_as(Actor.task("rotate_due_keys")):
        return {"activated": due_rotations.activate(), "revoked": due_rotations.revoke()}


@shared_task
def remind_of_rotations() -> int:
    """Returns how many keys are due for rotation. Idempotent."""
    return due_rotations.remind()


@shared_task
def check_health() -> int:
    """Check whoever is due; returns how many."""
    return run.run()


@shared_task
def send_alerts() -> int:
    """Returns how many were sent."""
    return alerts.deliver()


@shared_task
def prune_health() -> int:
    """Returns how many rows."""
    return rollups.prune()
