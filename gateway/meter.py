"""What an answer has come to so far: text delivered, usage reported. Fed by every chunk, read by the bill."""

from typing import Any

from gateway.counting import count_tokens
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamOverlong
from gateway.usage_counts import Usage

_CHUNKS_BEYOND_TOKENS = 1000
_BYTES_PER_TOKEN = 64
# What a fast upstream may say between two heartbeats is not kept till then; so much is counted in 3 ms.
_MOST_UNCOUNTED = 16_384


class Meter:
    """`most_tokens` is what was asked for over all choices: an upstream that ignores it is cut off.

    `searches` are those counted here, for a provider that reports tokens alone.

    `reported` is the provider's usage object as it was read, `usage` what could be understood of it.
    """

    __slots__ = (
        "_chunks",
        "_counted",
        "_length",
        "_most_chunks",
        "_most_length",
        "_searches",
        "_text",
        "_uncounted",
        "reported",
        "usage",
    )

    def __init__(self, most_tokens: int, *, searches: int = 0) -> None:
        self._searches = searches
        self.usage: Usage | None = None
        self.reported: dict[str, Any] | None = None
        self._most_chunks = most_tokens + _CHUNKS_BEYOND_TOKENS
        self._most_length = most_tokens * _BYTES_PER_TOKEN + 65_536
        self._chunks = 0
        self._length = 0
        self._counted = 0
        self._text: list[str] = []
        self._uncounted = 0

    def chunk(self, chunk: Chunk) -> None:
        """Take in one chunk of a stream. Raises UpstreamOverlong where the answer outgrows what was asked for."""
        said = chunk.said
        for choice in said.choices or ():
            if choice.delta is not None and (text := choice.delta.text()):
                self._text.append(text)
                self._length += len(text)
                self._uncounted += len(text)
        if said.usage:
            self._report(said.usage)
        if self._uncounted > _MOST_UNCOUNTED:
            self.delivered_tokens()
        self._chunks += 1
        if self._chunks > self._most_chunks or self._length > self._most_length:
            raise UpstreamOverlong

    def reply(self, text: str, usage: Any) -> None:
        """Take in a plain answer."""
        if text:
            self._text.append(text)
        self._report(usage)

    @property
    def has_output(self) -> bool:
        return bool(self._text) or self._counted > 0

    def delivered_tokens(self) -> int:
        """Our own count of the text so far."""
        if self._text:
            self._counted += count_tokens("".join(self._text))
            self._text.clear()
            self._uncounted = 0
        return self._counted

    def _report(self, usage: Any) -> None:
        if (counts := Usage.from_openai(usage)) is not None:
            if self._searches and not counts.searches:
                counts = counts._replace(searches=self._searches)
            self.usage, self.reported = counts, dict(usage)
