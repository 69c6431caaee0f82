"""A chat's answer in Anthropic's words, plain and step by step."""

from gateway.endpoints.messages.events import broken_off, ending, event
from gateway.endpoints.messages.from_chat import content_of, stop_of
from gateway.endpoints.messages.steps import Steps
from gateway.endpoints.messages.usage import usage_of
from gateway.exchange import Exchange
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk
from gateway.transports.json_body import encoded
from opscenter.core.errors import ServiceError

_NOTHING_YET = {"input_tokens": 0, "output_tokens": 0}


class TranslatedSpeaker:
    """Turns a chat's chunks into events; the last of them wait for the cost."""

    __slots__ = ("_exchange", "_has_begun", "_steps")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._steps = Steps(ids=f"toolu_{exchange.id.hex}", stops=_stops(exchange))
        self._has_begun = False

    def plain(self, reply: Reply) -> bytes:
        choices = reply.body["choices"]
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        said = choice.get("message")
        content = content_of(said if isinstance(said, dict) else {}, ids=f"toolu_{self._exchange.id.hex}")
        used_tool = any(block["type"] == "tool_use" for block in content)
        stop = stop_of(choice, stops=_stops(self._exchange), used_tool=used_tool)
        return encoded(self._message(content, stop, usage_of(self._exchange)))

    def forward(self, chunks: list[Chunk]) -> bytes:
        events = b"".join(event(step) for chunk in chunks for step in self._steps.of(chunk.body))
        if self._has_begun:
            return events
        self._has_begun = True
        nothing = self._message([], {"stop_reason": None, "stop_sequence": None}, _NOTHING_YET)
        return event({"type": "message_start", "message": nothing}) + events

    def closing(self) -> bytes:
        last = b"".join(map(event, self._steps.last()))
        return last + ending(self._exchange, delta=self._steps.stop(), usage=usage_of(self._exchange))

    def broken_off(self, error: ServiceError) -> bytes:
        return broken_off(self._exchange, error)

    def _message(self, content: list[Body], stop: Body, usage: Body) -> Body:
        return {
            "id": f"msg_{self._exchange.id.hex}",
            "type": "message",
            "role": "assistant",
            "model": self._exchange.answering.candidate.target.model_name,
            "content": content,
            **stop,
            "usage": usage,
        }


def _stops(exchange: Exchange) -> list[str]:
    stops: list[str] = exchange.ask.body.get("stop_sequences") or []
    return stops
