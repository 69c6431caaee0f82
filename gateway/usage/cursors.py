"""Where a page of groups ends, as its address says it: opaque to clients, and checked when it comes back."""

import base64
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from opscenter.core.errors import Unprocessable

_NUMBERS = ("key", "user")
_LARGEST = 2**63 - 1


def written(of: Sequence[Any]) -> str:
    text = json.dumps([value.isoformat() if isinstance(value, date) else value for value in of])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, group_by: Sequence[str]) -> tuple[Any, ...]:
    """Raises Unprocessable for what no page of this grouping has ended with."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_value(name, value) for name, value in zip(group_by, values, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise Unprocessable("This cursor is of another list: begin without one.", param="cursor") from error


def _value(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
            raise ValueError
        return value
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return date.fromisoformat(value) if name == "day" else value
