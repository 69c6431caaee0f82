"""`worker`: runs background tasks, and beat with them."""

import logging
import os
import warnings
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

import billiard
from celery.exceptions import SecurityWarning
from celery.signals import beat_embedded_init
from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from llmconfig.proxy import master_key
from opscenter import metrics, task_metrics
from opscenter.celery import app
from opscenter.core.process_gauges import ProcessGauges
from opscenter.processes import end_with_parent, start_again

log = logging.getLogger(__name__)

PAUSE_S = 2


class Command(BaseCommand):
    help = "Run background tasks. Exactly one worker of an installation runs beat; give the others --no-beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="threads")
        parser.add_argument("--no-beat", action="store_true", help="leave the schedule to another worker")

    def handle(self, *args: Any, concurrency: int, no_beat: bool, **options: Any) -> None:
        started_with = dict(os.environ)
        if problem := master_key.problem():
            raise CommandError(problem)
        logging.captureWarnings(True)
        # Told of running as root, which matters where tasks are pickled; ours are JSON.
        warnings.simplefilter("ignore", SecurityWarning)
        self._check_database()
        make_folders()
        connections.close_all()
        metrics.FILES.join("worker")
        task_metrics.connect()
        ProcessGauges().keep_looking()
        # Beat is a process of its own, and would outlive a worker that is killed.
        beat_embedded_init.connect(partial(_end_with_worker, os.getpid()), weak=False)
        worker = app.Worker(quiet=True, pool="threads", concurrency=concurrency, beat=not no_beat)
        worker.start()
        # Not set after a signal. Celery gives up when a connection breaks at some moments, or a message can't be read.
        if worker.exitcode:
            log.critical("the worker ended by an error, and starts again in %s s", PAUSE_S)
            _end_children()
            start_again(started_with, after_s=PAUSE_S)

    def _check_database(self) -> None:
        """Refuses to start with another key ring than the stored secrets'. A database that is away is waited for."""
        try:
            self.check(databases=["default"], tags=[Tags.database])
        except DatabaseError as error:
            log.warning("the database does not answer; tasks fail until it does: %s", error)


def make_folders() -> None:
    """Those that the filesystem broker and beat's schedule want to be there."""
    wanted = dict(getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}))
    for folder in {settings.DATA_DIR, *(path for name, path in wanted.items() if "folder" in name)}:
        Path(folder).mkdir(parents=True, exist_ok=True)


def _end_children() -> None:
    """Beat, which was told to end and might take its time: there must never be two."""
    for child in billiard.active_children():
        child.terminate()
        child.join()


def _end_with_worker(worker: int, **kwargs: Any) -> None:
    end_with_parent(worker)
