"""Outcomes and durations of tasks, counted in the worker that runs them."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun
from prometheus_client import Counter, Histogram

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)

ended = Counter("opscenter_tasks", "Tasks by how they ended", ("task", "outcome"), registry=None)
duration = Histogram("opscenter_task_duration_seconds", "Of a task", ("task",), buckets=_SECONDS, registry=None)

_began: dict[str, float] = {}


def connect() -> None:
    """Once, after the process has joined its metric files."""
    task_prerun.connect(_begin, weak=False, dispatch_uid="task_metrics.begin")
    task_postrun.connect(_end, weak=False, dispatch_uid="task_metrics.end")


def _begin(task_id: str, **kwargs: Any) -> None:
    _began[task_id] = time.monotonic()


def _end(task_id: str, task: Any, state: str | None, **kwargs: Any) -> None:
    began = _began.pop(task_id, None)
    ended.labels(task.name, (state or "unknown").lower()).inc()
    if began is not None:
        duration.labels(task.name).observe(time.monotonic() - began)
