"""What the API schema says of refusals: which an operation may answer, and how they read."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.error_words import is_anthropics
from gateway.urls import MODELS

_Described = dict[str, Any]
_WRITES = ("post", "put", "patch", "delete")
_MEANINGS: Mapping[int, str] = {
    400: "It can't be read, or asks for what can't be.",
    401: "Nobody is known by what was sent to authenticate.",
    402: "The credits, or a budget, don't suffice.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is somebody else's.",
    405: "This is a model that is called, not one of your own: those have numbers.",
    406: "Answers are in another format than `Accept` asks for.",
    408: "The request came too slowly.",
    409: "It does not go with what is there.",
    412: "It is not what If-Match names any more.",
    413: "The body is too large.",
    415: "The body is in another format than JSON.",
    422: "A value is not allowed; `param` names it.",
    429: "Too often; `Retry-After` says how long to wait.",
    502: "The provider failed.",
    503: "Nobody can serve this now.",
    504: "The provider took too long.",
}
_NULLABLE_TEXT = {"type": "string", "nullable": True}
_SHAPES: Mapping[str, _Described] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "code", "param", "details"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "code": _NULLABLE_TEXT,
                    "param": _NULLABLE_TEXT,
                    "details": {"type": "object", "additionalProperties": {}, "nullable": True},
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error", "request_id"],
        "properties": {
            "type": {"type": "string", "enum": ["error"]},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {
                    "type": {"type": "string"},
                    "message": {"type": "string"},
                    "details": {"type": "object", "additionalProperties": {}},
                },
            },
            "request_id": {"type": "string"},
        },
    },
}


def with_errors(result: _Described, **_: object) -> _Described:
    """The schema with every refusal that an operation may answer; what a view says of its own stays."""
    result["components"]["schemas"] |= _SHAPES
    for path, operations in result["paths"].items():
        shape = "AnthropicError" if is_anthropics(path) else "Error"
        for method, operation in operations.items():
            responses = operation["responses"]
            for status in _refusals(path, method, operation):
                responses.setdefault(str(status), {"description": _MEANINGS[status]})
            for status, answer in responses.items():
                if int(status) >= 400:
                    answer.setdefault("content", _json(shape))
            operation["responses"] = dict(sorted(responses.items()))
    return result


def _json(shape: str) -> _Described:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}


def _refusals(path: str, method: str, operation: _Described) -> Iterator[int]:
    security = operation.get("security", [{}])
    if {} not in security:
        yield from (401, 403)
    if {"bearer": []} in security:
        yield from (404, 408, 429, 503)
        if method in _WRITES:
            yield from (400, 402, 409, 413, 422, 502, 504)
        return
    # 404 also for a `?format=` that answers don't have.
    yield from (400, 404, 406)
    if "requestBody" in operation:
        yield from (413, 415, 422)
    if method in _WRITES:
        yield 409
    if operation.get("parameters"):
        yield 422
    if path.startswith(MODELS) and "{" in path and method in _WRITES:
        yield 405
