"""One JSON object per log line, with whatever looks like a key struck out."""

import json
import logging
import re
from datetime import UTC, datetime

_KEYS = re.compile(
    r"(?i)(\b(?:sk|gsk|xai|hf|AIza|pk|rk|whsec)[-_][A-Za-z0-9_\-]{6,}|\bbearer\s+[A-Za-z0-9._\-]{6,}|\bops-at-[A-Za-z0-9_\-]{6,}"
    r"|://[^/\s:@]*:[^/\s@]+@)"
)


def redact(text: str) -> str:
    """`text` without API keys, bearer tokens and passwords in URLs."""
    return _KEYS.sub("[redacted]", text)


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "message", "request_id"?, "exception"?}."""

    def format(self, record: logging.LogRecord) -> str:
        created = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = str(request_id)
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
