"""Looks for secrets in what must not hold any: whole, in part, and as other notations spell them."""

import base64
import html
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

# The mask shows the last four characters; twelve are more than any mask.
SLICE = 12
# Among SLICE characters are so many that begin at a multiple of their number: looking there leaves out most data.
_STEP = SLICE // 2
_PIECE = 1_000 * _STEP


class Scanner:
    """`Scanner({"virtual key": "..."}).leaks(data)`: names of the secrets of which `data` holds SLICE characters."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._slices: dict[bytes, str] = {}
        for name, secret in secrets.items():
            assert len(secret) >= SLICE, name
            for form in _forms(secret):
                self._slices.update(dict.fromkeys(_slices(form), name))
        self._steps = {slice[at : at + _STEP] for slice in self._slices for at in range(_STEP + 1)}

    def leaks(self, data: bytes | str) -> set[str]:
        data = data.encode() if isinstance(data, str) else data
        found: set[bytes] = set()
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE + SLICE - 1]
            if not self._steps.isdisjoint(piece[at : at + _STEP] for at in range(0, len(piece), _STEP)):
                found |= self._slices.keys() & set(_slices(piece))
        return {self._slices[slice] for slice in found}


def _slices(data: bytes) -> Iterable[bytes]:
    return (data[at : at + SLICE] for at in range(len(data) - SLICE + 1))


def _forms(secret: str) -> Iterable[bytes]:
    """As it is, escaped, percent-encoded, in hexadecimal, and in base64 at each of its three alignments."""
    raw = secret.encode()
    yield raw
    for text in (quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        yield text.encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        # What stands before and behind it decides the characters at the ends.
        inner = base64.b64encode(b"x" * shift + raw)[4 * (shift > 0) : -4]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")
