"""Errors in the words of whoever is told: OpenAI's envelope, or Anthropic's where its SDK is the client."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

_ANTHROPICS = ("/messages", "/messages/count_tokens")
_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
# Nobody is overloaded where nothing has been set up.
_NOT_OVERLOADED = "no_active_provider"


def is_anthropics(path: str) -> bool:
    return path.endswith(_ANTHROPICS)


def in_words_of(path: str, body: dict[str, Any], *, status: int, request_id: UUID) -> dict[str, Any]:
    """`body`, the envelope of every error here, as the clients of the endpoint at `path` expect it."""
    return anthropics(body, status=status, request_id=request_id) if is_anthropics(path) else body


def also_named(path: str, request_id: UUID | str) -> dict[str, str]:
    """The header by which Anthropic's SDK knows a request's id."""
    return {"request-id": str(request_id)} if is_anthropics(path) else {}


def anthropics(body: dict[str, Any], *, status: int, request_id: UUID) -> dict[str, Any]:
    """Our code, the parameter and the details go into `details`, the code under the name that the SDK reads."""
    told = body["error"]
    details = {"error_code": told["code"], "param": told["param"], **(told["details"] or {})}
    return {
        "type": "error",
        "error": {
            "type": _type(status, told["code"]),
            "message": told["message"],
            "details": {name: value for name, value in details.items() if value is not None},
        },
        "request_id": str(request_id),
    }


def _type(status: int, code: str | None) -> str:
    if code == _NOT_OVERLOADED:
        return "api_error"
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
