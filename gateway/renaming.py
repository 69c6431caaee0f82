"""The public model's name instead of the upstream's."""

import json
from functools import lru_cache

from gateway.transports.base import Reply
from gateway.transports.chunk import Chunk


class Renaming:
    """Puts the public model's name where the upstream's stands in its JSON, without writing the whole anew.

    The name is the one that was parsed, so also a dated one. A quote inside a JSON string is escaped, so that the
    pattern can't occur in what the model says.
    """

    __slots__ = ("_found", "_patterns", "_public", "_replacement")

    def __init__(self, public: str) -> None:
        self._public = public
        self._replacement = _replacement(public)
        self._found: object = None
        self._patterns: tuple[bytes, ...] = ()

    def apply(self, message: Chunk | Reply) -> bytes:
        if message.raw is not None and (renamed := self.within(message.raw, message.model)) is not None:
            return renamed
        return json.dumps({**message.body, "model": self._public}, separators=(",", ":")).encode()

    def within(self, raw: bytes, name: object) -> bytes | None:
        """`raw` with the public name in the place of `name`, or None where that isn't to be found in it."""
        for pattern in self._patterns_for(name):
            before, found, after = raw.partition(pattern)
            if found:
                return before + self._replacement + after
        return None

    def _patterns_for(self, name: object) -> tuple[bytes, ...]:
        """The ways in which `name` is written, the likelier first; a stream's chunks all have the same."""
        if name != self._found or not self._patterns:
            self._found = name
            is_usual = isinstance(name, str) and len(name) <= _USUAL_LENGTH
            self._patterns = _usual_patterns(name) if is_usual else _patterns(name)
        return self._patterns


def _patterns(name: object) -> tuple[bytes, ...]:
    spellings = dict.fromkeys((json.dumps(name), json.dumps(name, ensure_ascii=False)))
    return tuple(f'"model":{space}{spelling}'.encode(errors="replace") for spelling in spellings for space in ("", " "))


# Of what an upstream calls itself, no more is kept than models have names.
_USUAL_LENGTH = 200
_usual_patterns = lru_cache(maxsize=1024)(_patterns)


@lru_cache(maxsize=1024)
def _replacement(public: str) -> bytes:
    return b'"model":' + json.dumps(public).encode()
