"""ETags and If-Match: whoever read something overwrites nothing that somebody else changed since."""

import hashlib
import json
from collections.abc import Container
from typing import Any

from django.utils.http import parse_etags

from opscenter.core.errors import PreconditionFailed


def tag_of(representation: Any, *, without: Container[str] = ()) -> str:
    """A strong ETag of what the API answers, at any depth without the fields of these names."""
    text = json.dumps(_stripped(representation, without), sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def require(if_match: str, tag: str | None) -> None:
    """Raise PreconditionFailed unless the header names `tag`; None stands for what does not exist. `*` is any tag."""
    wanted = parse_etags(if_match)
    if tag is None or (wanted != ["*"] and tag not in wanted):
        raise PreconditionFailed(current=tag)


def _stripped(value: Any, without: Container[str]) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(inner, without) for name, inner in value.items() if name not in without}
    return [_stripped(inner, without) for inner in value] if isinstance(value, list) else value
