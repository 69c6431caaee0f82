"""What the worker does for providers: rotates keys when their time has come, and reminds of those that are old."""

from celery import shared_task

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
