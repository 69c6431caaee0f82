"""OpenAI's chat completions, as upstreams answer: plain, and as a stream that ends with `[DONE]`."""

from typing import Any

from gateway.counting import message_text
from gateway.transports.base import Body, Format
from gateway.transports.chunk import Chunk, received
from gateway.transports.errors import UpstreamBroken, UpstreamServerError
from gateway.transports.json_body import json_object
from gateway.transports.sse import Events


class Finishes:
    """Which choices of a stream have been seen, and which of them ended with a reason."""

    __slots__ = ("_finished", "_seen")

    def __init__(self) -> None:
        self._seen: set[object] = set()
        self._finished: set[object] = set()

    @property
    def complete(self) -> bool:
        return bool(self._seen) and self._seen == self._finished

    def note(self, chunk: Chunk) -> None:
        for choice in chunk.said.choices or ():
            self._seen.add(choice.index)
            if choice.finish_reason:
                self._finished.add(choice.index)


class ChatEvents(Events):
    """One JSON object per event, checked as strictly as money needs; whole once every choice had a finish reason."""

    __slots__ = ("_finishes",)

    def __init__(self) -> None:
        super().__init__()
        self._finishes = Finishes()

    @property
    def is_whole(self) -> bool:
        return self.done and self._finishes.complete

    def _is_end(self, payload: bytes) -> bool:
        return payload == b"[DONE]"

    def _take(self, payload: bytes) -> Chunk:
        chunk = received(payload)
        if chunk.said.error:
            raise UpstreamServerError("The provider reported an error in the middle of its answer.")
        self._finishes.note(chunk)
        return chunk


class _Chat:
    path = "chat/completions"
    events = ChatEvents
    decode = staticmethod(json_object)

    @staticmethod
    def check(body: Body) -> None:
        if not isinstance(body.get("choices"), list):
            raise UpstreamBroken

    @staticmethod
    def read(body: Body) -> tuple[str, Any]:
        choices = body.get("choices")
        messages = (
            (choice.get("message") for choice in choices if isinstance(choice, dict))
            if isinstance(choices, list)
            else ()
        )
        return "".join(message_text(message) for message in messages if isinstance(message, dict)), body.get("usage")


CHAT: Format = _Chat()
