"""Stripe's API is asked in forms: `line_items[0][price_data][currency]=usd`."""

import re
from typing import Any
from urllib.parse import parse_qsl

_PARTS = re.compile(r"([^\[\]]+)")


def read(encoded: str) -> dict[str, Any]:
    """Nested dictionaries of strings; a list's members under their numbers."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded)):
        *path, last = _PARTS.findall(name)
        inner = read
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return read
