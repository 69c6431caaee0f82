"""What a scrape is answered with: what this machine's processes have counted, and what only the shared parts know."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import django_redis
from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from credits.models import Hold
from opscenter.core.metric_files import MetricFiles

FILES = MetricFiles(settings.METRICS_DIR)
_QUEUE = "celery"
_one_at_a_time = threading.Lock()


def exposition() -> bytes:
    """In Prometheus's text format. Blocks, for the files, one query and Redis: call it off the event loop."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything())
    with _one_at_a_time:
        return generate_latest(registry)


class _Everything(Collector):
    def collect(self) -> Iterable[Metric]:
        yield from FILES.collect()
        yield from _holds()
        yield from _task_queue()


def _holds() -> Iterator[Metric]:
    """The same whichever machine is asked. While the database is away they are missing, and `up` says why."""
    try:
        found = Hold.objects.open().aggregate(number=Count("pk"), oldest=Min("created_at"))
    except Error:
        yield GaugeMetricFamily("opscenter_database_up", "Whether the database answered", 0)
        return
    finally:
        connection.close()
    age_s = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0
    yield GaugeMetricFamily("opscenter_database_up", "Whether the database answered", 1)
    yield GaugeMetricFamily("opscenter_open_holds", "Holds that have not ended", found["number"])
    yield GaugeMetricFamily("opscenter_oldest_open_hold_seconds", "Age of the oldest of them", max(0.0, age_s))


def _task_queue() -> Iterator[Metric]:
    """Missing while Redis is away."""
    try:
        waiting = _in_redis() if settings.REDIS_URL else _in_folder(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    except (RedisError, OSError):
        return
    yield GaugeMetricFamily("opscenter_tasks_waiting", "Tasks that no worker has taken yet", waiting)


def _in_redis() -> int:
    return int(django_redis.get_redis_connection("default").llen(_QUEUE))


def _in_folder(options: dict[str, str]) -> int:
    folder = Path(options["data_folder_in"])
    return sum(1 for _ in folder.glob(f"*.{_QUEUE}.msg")) if folder.is_dir() else 0
