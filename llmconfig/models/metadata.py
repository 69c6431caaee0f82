"""What operators note beside a server or a key: a JSON object that both databases can store."""

import json
import re
from typing import Any

from django.core.exceptions import ValidationError

_NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON writes one; a text with a backslash, u0000 is none."""


def validate_metadata(value: Any) -> None:
    """PostgreSQL stores neither null characters nor halves of surrogate pairs."""
    if not isinstance(value, dict):
        raise ValidationError("This is no JSON object: it begins with { and ends with }.")
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("Halves of characters (surrogates) can't be stored.") from error
    if _NULL.search(text):
        raise ValidationError("Null characters are not allowed.")
