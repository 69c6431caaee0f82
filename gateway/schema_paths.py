"""Which paths the API schema describes."""

from collections.abc import Callable
from typing import Any

from gateway.urls import ALIASES, MODELS
from gateway.views.base import InferenceView

Endpoint = tuple[str, str, str, Callable[..., Any]]
"""Path, its regular expression, method and view."""


def without_aliases(endpoints: list[Endpoint], **_: object) -> list[Endpoint]:
    """Each inference endpoint once, under /v1: the other prefix serves the same views."""
    return [endpoint for endpoint in endpoints if not (endpoint[0].startswith(ALIASES) and _is_inference(endpoint))]


def with_callable_models(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Where personal models are managed, what may be called is answered to who doesn't say `?mine=true`."""
    for path, called in ((MODELS, "/v1/models"), (f"{MODELS}/{{id}}", "/v1/models/{name}")):
        content, other = (_content(result["paths"][address]) for address in (path, called))
        content["schema"] = {"anyOf": [content["schema"], other["schema"]]}
    return result


def _content(operations: dict[str, Any]) -> dict[str, Any]:
    """What GET answers."""
    content: dict[str, Any] = operations["get"]["responses"]["200"]["content"]["application/json"]
    return content


def _is_inference(endpoint: Endpoint) -> bool:
    return issubclass(getattr(endpoint[3], "cls", object), InferenceView)
