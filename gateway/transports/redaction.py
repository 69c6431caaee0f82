"""What an upstream says about a bad request, made fit for a client: short, one line, without hosts and keys."""

import json
import re
from urllib.parse import urlsplit

from gateway.transports.base import Target

_LONGEST = 500
_HIDDEN = "[hidden]"
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|xai|key)[-_][\w*.-]*[\w*]{4,}|\bAIza[\w-]+|\bBearer\s+\S+"
    r"|\b(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{32,}\b"
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-f:]*:[0-9a-f:.]+\](?::\d+)?", re.IGNORECASE)
_HOST = re.compile(
    r"\b(?:localhost|(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|xyz|local|internal|lan|svc))\b(?::\d+)?",
    re.IGNORECASE,
)


def upstream_message(content: bytes, target: Target) -> str | None:
    """The error message in an error body of any provider, redacted; None where there is none to be found."""
    try:
        found = _find(json.loads(content))
    except (ValueError, RecursionError):
        return None
    return redact(found, target) if found else None


def redact(text: str, target: Target) -> str:
    for secret in (
        target.api_key,
        target.api_base,
        urlsplit(target.api_base).netloc,
        urlsplit(target.api_base).hostname,
    ):
        if secret:
            text = text.replace(secret, _HIDDEN)
    for pattern in (_URL, _KEY, _ADDRESS, _HOST):
        text = pattern.sub(_HIDDEN, text)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _find(body: object) -> str | None:
    if isinstance(body, list):
        return _find(body[0]) if body else None
    if not isinstance(body, dict):
        return None
    for name in ("error", "message", "detail"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
        if found := _find(value):
            return found
    return None
