"""The contract between the pipeline and an endpoint: how its requests are read, sent on and answered.

A call is admitted, routed, held, tried, settled and recorded in one way, whatever was asked. An endpoint says what
is particular: its fields, the ways in which a target can be asked for it, the bytes that its clients expect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from gateway.transports.base import Body, Format, Reply
from llmconfig.target import Target

if TYPE_CHECKING:
    from gateway.ask import Ask
    from gateway.exchange import Exchange
    from gateway.transports.chunk import Chunk
    from opscenter.core.errors import ServiceError


class Speaker(Protocol):
    """Says one answer to its client; made once somebody answers. Where it may be a stream, it is a StreamSpeaker."""

    def plain(self, reply: Reply) -> bytes:
        """The body of an answer in one piece. The call is not settled yet: its cost is told in a header."""
        ...


@runtime_checkable
class StreamSpeaker(Speaker, Protocol):
    def forward(self, chunks: "list[Chunk]") -> bytes:
        """What the client gets of these at once; what tells of an end or of usage waits for closing()."""
        ...

    def closing(self) -> bytes:
        """The end of a whole stream. The call is settled by then, and its cost known."""
        ...

    def broken_off(self, error: "ServiceError") -> bytes:
        """The end of a stream that is not whole, so that nobody takes it for one."""
        ...


class Way(Protocol):
    """How one target is asked: by `format`, over `transport`."""

    @property
    def format(self) -> Format: ...

    def transport(self, target: Target) -> str:
        """relay or litellm."""
        ...

    def body(self, ask: "Ask", target: Target, *, output_tokens: int) -> Body:
        """The request: the target's own name of the model, at most so many tokens for each choice, usage asked for.

        Raises InvalidRequest (400) for what can't be said in this way.
        """
        ...

    def speaker(self, exchange: "Exchange") -> Speaker: ...


class Endpoint(Protocol):
    """`name` is kept in the request's row; `purpose` is what models and keys are allowed for."""

    @property
    def name(self) -> str: ...
    @property
    def purpose(self) -> str: ...

    def parse(self, raw: bytes) -> "Ask":
        """Read a request's body. Raises InvalidRequest (400), which names the parameter."""
        ...

    def count_prompt(self, body: Body) -> int:
        """About how many tokens a request's text is."""
        ...

    def way(self, target: Target) -> Way:
        """How `target` is asked for what this endpoint does."""
        ...


@dataclass(frozen=True, slots=True)
class OneWay:
    """An Endpoint at which all targets are asked alike."""

    name: str
    purpose: str
    parse: "Callable[[bytes], Ask]"
    count_prompt: Callable[[Body], int]
    only_way: Way

    def way(self, target: Target) -> Way:
        return self.only_way


@dataclass(frozen=True, slots=True)
class NativeOrChat:
    """An Endpoint that some targets have themselves, and that all others are asked for as chat."""

    name: str
    purpose: str
    parse: "Callable[[bytes], Ask]"
    count_prompt: Callable[[Body], int]
    is_native: Callable[[Target], bool]
    native: Way
    as_chat: Way

    def way(self, target: Target) -> Way:
        return self.native if self.is_native(target) else self.as_chat
