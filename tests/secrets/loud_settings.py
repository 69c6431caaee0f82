"""The settings with nothing left unsaid: every logger at DEBUG."""

import logging

from opscenter.settings import *  # noqa: F403 - the same, but for the levels
from opscenter.settings import LOGGING


class OncePerPage(logging.Filter):
    """Of the variables that a template lacks, the first of each page: each is told with all that the page is made of,
    and some pages lack hundreds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        context = getattr(error, "params", (None, None))[-1]
        if (request := getattr(context, "request", None)) is None or not isinstance(record.args, tuple):
            return True
        said: set[object] = request.__dict__.setdefault("said_of_templates", set())
        is_new = record.args[-1] not in said
        said.add(record.args[-1])
        return is_new


LOGGING["root"]["level"] = "DEBUG"
LOGGING["loggers"] = {
    name: {"level": "DEBUG"}
    for name in (
        *("django", "django.request", "django.db.backends", "django.template", "aiohttp.client", "aiohttp.access"),
        *("httpx", "httpcore", "openai", "LiteLLM", "celery", "celery.beat", "celery.worker.strategy"),
        *("celery.app.trace", "kombu", "redis", "psycopg", "psycopg.pool", "uvicorn", "uvicorn.access"),
        *("uvicorn.error", "asyncio", "urllib3", "botocore"),
    )
}
LOGGING["filters"] = {**LOGGING.get("filters", {}), "once per page": {"()": OncePerPage}}
LOGGING["loggers"]["django.template"]["filters"] = ["once per page"]
