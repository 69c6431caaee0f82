"""What a call used, as billed: disjoint numbers of tokens, and searches, whatever way a provider nests them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_CACHED = ("cached_tokens",)
_CACHED_OUTSIDE_DETAILS = ("cache_read_input_tokens", "prompt_cache_hit_tokens")
_CACHE_WRITE = ("cache_creation_tokens", "cache_write_tokens")
_CACHE_WRITE_OUTSIDE_DETAILS = ("cache_creation_input_tokens",)
_SEARCHES = ("searches",)
_MOST = 2**31 - 1
"""What the request rows can hold; more tokens than any call has."""


class _Unusable(ValueError):
    """A count that is no count."""


class Usage(NamedTuple):
    """Tokens: `uncached`, `cached` and `cache_write` add up to the prompt. `searches` are what rerankers bill."""

    uncached: int
    cached: int
    cache_write: int
    output: int
    searches: int = 0

    @property
    def prompt(self) -> int:
        return self.uncached + self.cached + self.cache_write

    @property
    def tokens(self) -> int:
        return self.prompt + self.output

    @classmethod
    def from_openai(cls, usage: object) -> "Usage | None":
        """The counts of an OpenAI usage object, where cached tokens are part of `prompt_tokens`.

        None when it is missing or wrong in any part: half a bill is not trusted.
        """
        if not isinstance(usage, Mapping):
            return None
        try:
            return cls._parse(usage)
        except _Unusable:
            return None

    @classmethod
    def _parse(cls, usage: Mapping[str, Any]) -> "Usage":
        details = usage.get("prompt_tokens_details") or {}
        if not isinstance(details, Mapping):
            raise _Unusable
        prompt = _count(usage.get("prompt_tokens"))
        output = _count(usage.get("completion_tokens"))
        cached = _first(details, _CACHED) or _first(usage, _CACHED_OUTSIDE_DETAILS)
        cache_write = _first(details, _CACHE_WRITE) or _first(usage, _CACHE_WRITE_OUTSIDE_DETAILS)
        searches = _first(usage, _SEARCHES)
        output = _count(output + _thoughts_beside(usage, prompt + output))
        return cls(_count(prompt - cached - cache_write), cached, cache_write, output, searches)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise _Unusable
    return value


def _thoughts_beside(usage: Mapping[str, Any], told: int) -> int:
    """Tokens of thoughts that are no part of the output, as xAI reports them: by its total they come on top."""
    details = usage.get("completion_tokens_details")
    thoughts = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    if type(thoughts) is int and thoughts > 0 and usage.get("total_tokens") == told + thoughts:
        return thoughts
    return 0


def _first(counts: Mapping[str, Any], names: tuple[str, ...]) -> int:
    for name in names:
        value = counts.get(name)
        if value is not None:
            return _count(value)
    return 0
