"""Anthropic's messages, as its API answers: plain, and as a stream of typed events that ends with `message_stop`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.transports.base import Body, Format
from gateway.transports.chunk import Choice, Chunk, Delta, Said
from gateway.transports.errors import UpstreamBroken, UpstreamServerError
from gateway.transports.json_body import decoded_leniently_as, encoded, json_object
from gateway.transports.sse import Events

_CACHES = ("cache_read_input_tokens", "cache_creation_input_tokens")
_END = b"message_stop"
# No more than its type is in it.
_LONGEST_END = 256


class _Message(msgspec.Struct, gc=False):
    usage: Any = None


class _Part(msgspec.Struct, gc=False):
    """A content block at its start, or what is added to one, or the end of the message."""

    text: str | None = None
    thinking: str | None = None
    name: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None

    def says(self) -> str:
        return (self.text or "") + (self.thinking or "") + (self.name or "") + (self.partial_json or "")


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    message: _Message | None = None
    content_block: _Part | None = None
    delta: _Part | None = None
    usage: Any = None
    error: Any = None


_read = decoded_leniently_as(_Event)


class EventChunk(Chunk, gc=False):
    """`type` is the event's. Only the one that ends the message has usage in what it said: by then it is all there."""

    type: str = ""


class MessageEvents(Events):
    """Whole once a reason to stop was given and the message was stopped. `message_stop` itself is no chunk."""

    __slots__ = ("_has_reason", "_usage")

    def __init__(self) -> None:
        super().__init__()
        self._has_reason = False
        self._usage: Body = {}

    @property
    def is_whole(self) -> bool:
        return self.done and self._has_reason

    def _is_end(self, payload: bytes) -> bool:
        return _END in payload and len(payload) < _LONGEST_END and _read(payload).type == "message_stop"

    def _take(self, payload: bytes) -> EventChunk:
        event = _read(payload)
        if event.error or event.type == "error":
            raise UpstreamServerError("The provider reported an error in the middle of its answer.")
        if not event.type.isidentifier():
            raise UpstreamBroken
        said = Said()
        part = event.content_block or event.delta
        if event.type == "message_start":
            if event.message is None:
                raise UpstreamBroken
            self._note(event.message.usage)
        elif event.type == "message_delta":
            self._has_reason = self._has_reason or bool(part and part.stop_reason)
            said.usage = self._reported(event.usage)
        elif part is not None and (text := part.says()):
            said.choices = [Choice(delta=Delta(content=text))]
        return EventChunk(said, payload, type=event.type)

    def _note(self, usage: Any) -> None:
        if isinstance(usage, Mapping):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _reported(self, usage: Any) -> Any:
        """The counts at the message's end are of all of it; those that it leaves out were in the beginning."""
        if not isinstance(usage, Mapping) or usage.get("output_tokens") is None:
            return None
        self._note(usage)
        return openai_usage(self._usage)


def openai_usage(usage: Any) -> Body | None:
    """Usage in OpenAI's words, in which the prompt includes what was read from a cache and written to one.

    None where a count is missing or none.
    """
    if not isinstance(usage, Mapping):
        return None
    counts: list[Any] = [usage.get("input_tokens"), *(usage.get(name) or 0 for name in _CACHES)]
    output: Any = usage.get("output_tokens")
    if not all(type(count) is int and count >= 0 for count in (*counts, output)):
        return None
    _, read, written = counts
    prompt = sum(counts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read, "cache_creation_tokens": written},
    }


def _said_in(block: Any) -> str:
    if not isinstance(block, Mapping):
        return ""
    text = "".join(value for name in ("text", "thinking", "name") if isinstance(value := block.get(name), str))
    wanted = block.get("input")
    return text + (encoded(wanted).decode() if wanted else "")


class _Messages:
    path = "v1/messages"
    events = MessageEvents
    decode = staticmethod(json_object)

    @staticmethod
    def check(body: Body) -> None:
        if not isinstance(body.get("content"), list) or body.get("type") != "message":
            raise UpstreamBroken

    @staticmethod
    def read(body: Body) -> tuple[str, Any]:
        return "".join(map(_said_in, body["content"])), openai_usage(body.get("usage"))


MESSAGES: Format = _Messages()
