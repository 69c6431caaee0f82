"""What upstreams send as JSON, in UTF-8, or else broken."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gateway.transports.base import Body
from gateway.transports.errors import UpstreamBroken

T = TypeVar("T")

_decode = msgspec.json.Decoder().decode
_decode_leniently = json.JSONDecoder().decode


def decoded(content: bytes) -> Any:
    """Raises UpstreamBroken unless `content` is UTF-8 and JSON, as Python has it: with NaN and half emojis."""
    try:
        return _decode(content)
    except (ValueError, RecursionError):
        pass
    try:
        return _decode_leniently(content.decode())
    except (ValueError, RecursionError) as error:
        raise UpstreamBroken from error


def decoded_as(kind: type[T]) -> Callable[[bytes], T]:
    """A decoder of `kind`, a msgspec.Struct: it raises UpstreamBroken for what is no JSON in UTF-8, or none of that."""
    decode = msgspec.json.Decoder(kind).decode

    def decoded_strictly(content: bytes) -> T:
        try:
            # What is skipped is checked as JSON, but not as UTF-8.
            if not content.isascii():
                content.decode()
            return decode(content)
        except (ValueError, RecursionError) as error:
            raise UpstreamBroken from error

    return decoded_strictly


def decoded_leniently_as(kind: type[T]) -> Callable[[bytes], T]:
    """The same for JSON as Python has it, and for objects alone: what came so is read the slow way."""
    decode = msgspec.json.Decoder(kind).decode

    def decoded_as_far_as_it_is(content: bytes) -> T:
        try:
            if not content.isascii():
                content.decode()
            return decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            body = json_object(content)
        try:
            return msgspec.convert(body, kind)
        except msgspec.ValidationError as error:
            raise UpstreamBroken from error

    return decoded_as_far_as_it_is


def encoded(body: Body) -> bytes:
    """What came as JSON, also what msgspec doesn't write: halves of an emoji, very large numbers."""
    try:
        return msgspec.json.encode(body)
    except (ValueError, OverflowError):
        return json.dumps(body, separators=(",", ":")).encode()


def json_object(content: bytes) -> Body:
    """Raises UpstreamBroken unless `content` is UTF-8 and a JSON object."""
    body: Body = decoded(content)
    if type(body) is not dict:
        raise UpstreamBroken
    return body
