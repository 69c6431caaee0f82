"""The Celery application; every app's tasks.py is found by itself."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, task_success

from opscenter import task_actors
from opscenter.core import log_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")

app = Celery("opscenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_actors.connect()


@setup_logging.connect
def leave_logging_alone(**kwargs: Any) -> None:
    """Having a receiver is what keeps Celery from replacing the logging that settings.LOGGING set up."""


@task_success.connect
def leave_a_sign_of_life(sender: Any, **kwargs: Any) -> None:
    """Every process with the database learns by it that a worker works."""
    from opscenter.core import task_runs  # noqa: PLC0415 - needs loaded apps

    task_runs.note(sender.name)


@task_prerun.connect
def name_task_in_logs(task_id: str, **kwargs: Any) -> None:
    log_context.task_id.set(task_id)


@task_postrun.connect
def forget_task_in_logs(**kwargs: Any) -> None:
    """A thread takes one task after the other."""
    log_context.task_id.set(None)
