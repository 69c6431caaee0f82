"""The way to OpenAI's own API: the request as it came, the events as they come."""

from gateway.ask import Ask
from gateway.endpoints.responses.events import broken_off, event
from gateway.endpoints.responses.items import kind_of
from gateway.endpoints.responses.usage import with_cost
from gateway.exchange import Exchange
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk
from gateway.transports.formats.responses import RESPONSES as FORMAT
from gateway.transports.formats.responses import EventChunk
from gateway.transports.json_body import encoded
from llmconfig.target import Target
from opscenter.core.errors import ServiceError

# That of others would be theirs in name alone: they keep to chat.
_PROVIDER = "openai"
# Those with the response so far, and so with the model's name.
_WITH_RESPONSE = ("response.created", "response.in_progress", "response.queued")


def is_native(target: Target) -> bool:
    return target.provider == _PROVIDER and target.transport == "relay"


class NativeWay:
    format = FORMAT

    def transport(self, target: Target) -> str:
        return "relay"

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        """Nothing is to be kept there, so that thoughts which are only pointed at can't be found again."""
        body = {**ask.body, "model": target.upstream_model, "max_output_tokens": output_tokens, "store": False}
        if isinstance(body["input"], list):
            body["input"] = [item for item in body["input"] if not _is_lost(item)]
        return body

    def speaker(self, exchange: Exchange) -> "NativeSpeaker":
        return NativeSpeaker(exchange)


def _is_lost(item: Body) -> bool:
    return kind_of(item) == "reasoning" and not item.get("encrypted_content")


class NativeSpeaker:
    """Passes on what came, with the public model's name; the response's end is kept back until its cost is known."""

    __slots__ = ("_end", "_exchange", "_last", "_public")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._public = exchange.answering.candidate.target.model_name
        self._end: Body = {}
        self._last: Chunk | None = None

    def plain(self, reply: Reply) -> bytes:
        return encoded({**reply.body, "model": self._public})

    def forward(self, chunks: list[Chunk]) -> bytes:
        self._last = chunks[-1]
        return b"".join(map(self._said, chunks))

    def closing(self) -> bytes:
        response = self._end["response"]
        usage = with_cost(response.get("usage"), self._exchange)
        return event({**self._end, "response": {**response, "model": self._public, "usage": usage}})

    def broken_off(self, error: ServiceError) -> bytes:
        number = self._last.body.get("sequence_number") if self._last else None
        return broken_off(error, number=number + 1 if type(number) is int else 0)

    def _said(self, chunk: Chunk) -> bytes:
        assert isinstance(chunk, EventChunk)
        assert chunk.raw is not None
        if chunk.is_end:
            self._end = chunk.body
            return b""
        if chunk.type in _WITH_RESPONSE and isinstance(response := chunk.body.get("response"), dict):
            return event({**chunk.body, "response": {**response, "model": self._public}})
        return b"event: %b\ndata: %b\n\n" % (chunk.type.encode(), chunk.raw)
