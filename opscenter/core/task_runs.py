"""The signs of life of background tasks; written by whoever runs them, read by the admin."""

from datetime import timedelta

from django.utils import timezone

from opscenter.core.models import TaskRun


def note(task: str) -> None:
    """`task` has just succeeded."""
    TaskRun.objects.update_or_create(task=task, defaults={"finished_at": timezone.now()})


def age(task: str) -> timedelta | None:
    """How long ago `task` last succeeded; None if it never did."""
    run = TaskRun.objects.filter(pk=task).first()
    return timezone.now() - run.finished_at if run else None
