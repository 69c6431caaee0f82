"""The way to Anthropic's own API: the request as it came, the events as they come."""

from gateway.ask import Ask
from gateway.endpoints.messages.events import broken_off, ending, event
from gateway.exchange import Exchange
from gateway.renaming import Renaming
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk
from gateway.transports.formats.messages import MESSAGES as FORMAT
from gateway.transports.formats.messages import EventChunk
from llmconfig.target import Target
from opscenter.core.errors import ServiceError

_LITELLM_PROVIDER = "anthropic"


def is_native(target: Target) -> bool:
    return target.litellm_provider == _LITELLM_PROVIDER


class NativeWay:
    format = FORMAT

    def transport(self, target: Target) -> str:
        return "relay"

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        body = {**ask.body, "model": target.upstream_model, "max_tokens": output_tokens}
        thinking = body.get("thinking") or {}
        budget = thinking.get("budget_tokens")
        if isinstance(budget, int) and budget >= output_tokens:
            body["thinking"] = {**thinking, "budget_tokens": output_tokens - 1}
        return body

    def speaker(self, exchange: Exchange) -> "NativeSpeaker":
        return NativeSpeaker(exchange)


class NativeSpeaker:
    """Passes on what came, with the public model's name; the message's end is kept back until its cost is known."""

    __slots__ = ("_end", "_exchange", "_public")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._public = exchange.answering.candidate.target.model_name
        self._end: Body = {}

    def plain(self, reply: Reply) -> bytes:
        return Renaming(self._public).apply(reply)

    def forward(self, chunks: list[Chunk]) -> bytes:
        return b"".join(map(self._said, chunks))

    def closing(self) -> bytes:
        end = self._end
        return ending(self._exchange, delta=end.get("delta") or {}, usage=end.get("usage"), beside=end)

    def broken_off(self, error: ServiceError) -> bytes:
        return broken_off(self._exchange, error)

    def _said(self, chunk: Chunk) -> bytes:
        assert isinstance(chunk, EventChunk)
        assert chunk.raw is not None
        if chunk.type == "message_delta":
            self._end = chunk.body
            return b""
        if chunk.type == "message_start":
            return event({**chunk.body, "message": {**chunk.body["message"], "model": self._public}})
        return b"event: %b\ndata: %b\n\n" % (chunk.type.encode(), chunk.raw)
