"""The settings with nothing left unsaid: every logger at DEBUG."""

from opscenter.settings import *  # noqa: F403 - the same, but for the levels
from opscenter.settings import LOGGING

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
