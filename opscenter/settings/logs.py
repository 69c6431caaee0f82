"""Which logger says what, and how: opscenter/logging.py writes the lines."""

from typing import Any


def at_level(level: str) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "opscenter.logging.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line a request is the gateway's own; the server's would repeat it.
            "uvicorn.access": {"level": "WARNING"},
            "aiohttp.client": {"level": "WARNING"},
            # Several lines a sign-in; those of failures and lockouts are warnings.
            "axes": {"level": "WARNING"},
            # A line for every tick of the schedule, and two for every task that went well.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "LiteLLM": {"level": "WARNING"},
        },
    }
