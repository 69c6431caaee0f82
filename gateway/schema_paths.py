"""Which paths the API schema describes."""

from collections.abc import Callable
from typing import Any

from gateway.urls import ALIASES
from gateway.views.base import InferenceView

Endpoint = tuple[str, str, str, Callable[..., Any]]
"""Path, its regular expression, method and view."""


def without_aliases(endpoints: list[Endpoint], **_: object) -> list[Endpoint]:
    """Each inference endpoint once, under /v1: the other prefix serves the same views."""
    return [endpoint for endpoint in endpoints if not (endpoint[0].startswith(ALIASES) and _is_inference(endpoint))]


def _is_inference(endpoint: Endpoint) -> bool:
    return issubclass(getattr(endpoint[3], "cls", object), InferenceView)
