"""One JSON object per log line, with the request or task that it belongs to, and without secrets."""

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from opscenter.core import log_context
from opscenter.core.redaction import know, redact

__all__ = ["JsonFormatter", "redact"]

# What every record has, and what uvicorn adds to its own: the message once more, in colours.
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "color_message",
    "request_id",
    "is_clean",
}
_encode = json.JSONEncoder(ensure_ascii=False).encode


def know_settings() -> None:
    """Have the secrets of the settings struck out wherever they appear."""
    know(
        "settings",
        [
            settings.SECRET_KEY,
            *(key.strip() for key in settings.BYOK_ENCRYPTION_KEY.split(",")),
            settings.METRICS_TOKEN,
            settings.ALERT_WEBHOOK_SECRET,
            settings.EMAIL_HOST_PASSWORD,
            settings.LITELLM_MASTER_KEY,
            settings.LITELLM_API_KEY,
            settings.LITELLM_EVAL_KEY,
            *settings.PLATFORM_API_KEYS.values(),
            settings.DATABASES["default"].get("PASSWORD") or "",
            urlsplit(settings.REDIS_URL).password or "",
        ],
    )


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "message", "request_id"?, "task_id"?, extra fields, "exception"?, "stack"?}.

    Of what is passed as `extra`, plain values are written; objects stay out, for nobody knows what they show. With
    `is_clean` among them the line is believed to be without secrets: for who logs much, and looked by itself.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if request_id := record.__dict__.get("request_id") or log_context.request_id.get():
            line["request_id"] = str(request_id)
        if task_id := log_context.task_id.get():
            line["task_id"] = task_id
        line |= {
            name: value
            for name, value in record.__dict__.items()
            if name not in _USUAL and (value is None or isinstance(value, str | int | float))
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _sayable(_encode(line if "is_clean" in record.__dict__ else _without_secrets(line)))


def _without_secrets(line: dict[str, Any]) -> dict[str, Any]:
    return {name: redact(value) if isinstance(value, str) else value for name, value in line.items()}


def _sayable(text: str) -> str:
    """Halves of emojis, which no stream takes, as JSON escapes them."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _message(record: logging.LogRecord) -> str:
    """A call with wrong arguments is still logged, without them: logging itself would print them as they are."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)
