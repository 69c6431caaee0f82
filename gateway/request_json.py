"""Reads a request's body as JSON, within what it may cost the event loop, on which everybody waits meanwhile."""

import json
import math
from typing import Any

import msgspec

from gateway.errors import InvalidRequest
from opscenter.core.json_body import MOST_LEVELS, TOO_DEEP, is_too_deep

# At most about 0.2 s of parsing where it was measured, whatever they are; text alone has that many commas in 10 MB.
MOST_MARKS = 500_000

_decode = msgspec.json.Decoder().decode


def _finite(number: str) -> float:
    """Also for the constants that Python reads as JSON though they are none: NaN, Infinity, -Infinity."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is no JSON number")
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def json_object(raw: bytes) -> dict[str, Any]:
    """Raises InvalidRequest (400) for what is no JSON object, has too many parts or is nested too deeply."""
    _refuse_too_many_parts(raw)
    try:
        body = _decoded(raw)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise InvalidRequest("The body is not valid JSON in UTF-8.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.", code="invalid_json")
    if raw.count(b"[") + raw.count(b"{") > MOST_LEVELS and is_too_deep(body):
        raise _too_deep()
    return body


def _decoded(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except ValueError:
        # Clients that cut a text inside an emoji send half of it, which msgspec does not take.
        return _DECODER.decode(raw.decode())


def _refuse_too_many_parts(raw: bytes) -> None:
    if len(raw) > MOST_MARKS and sum(raw.count(mark) for mark in (b",", b"[", b"{")) > MOST_MARKS:
        raise InvalidRequest(f"The body has more than {MOST_MARKS} commas, brackets and braces.", code="invalid_json")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(TOO_DEEP, code="invalid_json")
