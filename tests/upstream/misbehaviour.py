"""The vocabulary of the test upstream: `fault:NAME[:ARGUMENT...][+NAME...]` as a model's name, parsed here.

Before the answer
    status-NNN[:retry_after_s]   that status in OpenAI's error envelope; 429 and 503 carry Retry-After (1)
    empty-account                400 in the words of Anthropic, whose account is empty
    redirect                     302 to /stolen of this server, which logs who follows
    slow-first-byte:S            nothing at all for S seconds
    slow-first-chunk:S           headers at once, the first event S seconds later
    reset-before-first-byte      RST without an answer
    close-before-first-byte      FIN without an answer
    garbage-json                 200 and half a JSON document, whatever was asked
After K events of a stream (3: the role and two words), or after half of a plain body
    stall-mid-stream[:K]   reset-mid-stream[:K]   half-close-mid-stream[:K]   eof-mid-stream[:K] (a proper end of the
    body, without finish_reason and [DONE])   garbage-sse[:K]   non-utf8[:K]   huge-line[:K[:bytes]]
    error-event[:K]   gate[:K] (waits for release())
What is said
    no-done  no-finish  no-usage  endless[:delay_s[:bytes]] (words of so many; a plain body stalls)
    chunks:N[:delay_s] (N words)   says:TEXT
    usage:PROMPT:COMPLETION  wrong-usage:negative|strings|huge|empty|list  usage-on-each-chunk  cached:N
    tool-calls[:n]  reasoning  ignore-max-tokens  crlf  comments  fragmented (a few bytes a write)
"""

from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

PREFIX = "fault:"
HEADER = "x-upstream-fault"
OK = "ok"
MID_STREAM = (
    "stall-mid-stream",
    "reset-mid-stream",
    "half-close-mid-stream",
    "eof-mid-stream",
    "garbage-sse",
    "non-utf8",
    "huge-line",
    "error-event",
    "gate",
)
OTHERS = (
    "empty-account",
    "redirect",
    "slow-first-byte",
    "slow-first-chunk",
    "reset-before-first-byte",
    "close-before-first-byte",
    "garbage-json",
    "no-done",
    "no-finish",
    "no-usage",
    "endless",
    "chunks",
    "says",
    "usage",
    "wrong-usage",
    "usage-on-each-chunk",
    "cached",
    "tool-calls",
    "reasoning",
    "ignore-max-tokens",
    "crlf",
    "comments",
    "fragmented",
)
KNOWN = frozenset((OK, "status", *MID_STREAM, *OTHERS))


class UnknownMisbehaviour(ValueError):
    """A spec that names nothing of the list above: a mistake in a test."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What one call is told to do wrong; falsy when nothing."""

    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, spec: str) -> Self:
        """`spec` is the list after the prefix, as in `chunks:50:0.01+no-done`."""
        faults: dict[str, tuple[str, ...]] = {}
        for part in filter(None, spec.split("+")):
            name, *arguments = part.split(":")
            if name.startswith("status-"):
                name, arguments = "status", [name.removeprefix("status-"), *arguments]
            if name not in KNOWN:
                raise UnknownMisbehaviour(f"The test upstream knows no misbehaviour {name!r}.")
            faults[name] = tuple(arguments)
        faults.pop(OK, None)
        return cls(faults)

    def __contains__(self, name: str) -> bool:
        return name in self.faults

    def __bool__(self) -> bool:
        return bool(self.faults)

    def text(self, name: str, position: int = 0, default: str = "") -> str:
        arguments = self.faults.get(name, ())
        return arguments[position] if len(arguments) > position else default

    def number(self, name: str, position: int = 0, default: float = 0) -> float:
        return float(self.text(name, position) or default)

    @property
    def mid_stream(self) -> tuple[str, ...]:
        """The faults that strike between two events, in the order of the spec."""
        return tuple(name for name in self.faults if name in MID_STREAM)


MISBEHAVIOUR = web.RequestKey("misbehaviour", Misbehaviour)
