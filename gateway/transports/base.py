"""The contract that both transports fulfil, so that the pipeline can't tell which of them served a call."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from gateway.transports.chunk import Chunk
    from gateway.transports.sse import Events

Body = dict[str, Any]


class Target(Protocol):
    """Where a call goes. The configuration snapshot's targets fit; the transports know no other part of them."""

    @property
    def key(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def server_type(self) -> str | None: ...
    @property
    def litellm_provider(self) -> str: ...
    @property
    def upstream_model(self) -> str: ...
    @property
    def api_base(self) -> str: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def is_private_network(self) -> bool: ...


class Format(Protocol):
    """What is asked at one of an upstream's endpoints, at `path` below its base, and how it answers there."""

    @property
    def path(self) -> str: ...
    @property
    def events(self) -> "Callable[[], Events]":
        """A reader of one stream."""
        ...

    def decode(self, raw: bytes) -> Body:
        """A plain answer as it was received. Raises UpstreamBroken for what is no JSON object."""
        ...

    def check(self, body: Body) -> None:
        """Raises UpstreamBroken for a body that is no answer."""
        ...

    def read(self, body: Body) -> tuple[str, Any]:
        """All text of a plain answer, and its usage as OpenAI's chat has it, whatever it is there."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt. `body` is final: upstream's model name, token limit, `stream` and `stream_options` are in it.

    `deadline` is in the event loop's time and ends the whole attempt; the upstream has to begin to answer within
    `patience_s` (a plain call: to answer); `idle_timeout_s` is the longest silence that a stream may keep while it is
    being read.
    """

    target: Target
    body: Body
    deadline: float
    idle_timeout_s: float
    format: Format
    patience_s: float = math.inf


class Reply(NamedTuple):
    """A plain answer in its call's format; `raw` is the very JSON received, or None where it had to be translated."""

    body: Body
    raw: bytes | None

    @property
    def model(self) -> object:
        return self.body.get("model")


class UpstreamStream(Protocol):
    async def read(self) -> "list[Chunk]":
        """What has arrived, one chunk at least; an empty list once, at a proper end. Raises UpstreamError.

        An end is proper when every choice had a finish reason and the upstream said that it was done. A read that
        was cancelled loses nothing: call it again.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the connection, and so of the upstream's work if it isn't done. May be called more than once."""
        ...


class Transport(Protocol):
    async def complete(self, call: Call) -> Reply:
        """The whole answer. Raises UpstreamError."""
        ...

    async def stream(self, call: Call) -> UpstreamStream:
        """Returns as soon as the upstream has begun to answer. Raises UpstreamError."""
        ...

    async def aclose(self) -> None: ...
