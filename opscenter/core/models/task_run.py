"""When each background task last came through: by this the admin tells whether a worker is alive."""

from django.db import models


class TaskRun(models.Model):
    """One row per task, written anew each time that it succeeds."""

    task = models.CharField(primary_key=True, max_length=200)
    finished_at = models.DateTimeField()

    class Meta:
        db_table = "core_task_runs"

    def __str__(self) -> str:
        return self.task
