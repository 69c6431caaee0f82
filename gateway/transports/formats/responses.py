"""OpenAI's responses, as upstreams answer: plain, and as a stream of typed events that ends with the whole response."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.transports.base import Body, Format
from gateway.transports.chunk import Choice, Chunk, Delta, Said
from gateway.transports.errors import UpstreamBroken, UpstreamServerError
from gateway.transports.json_body import decoded_leniently_as, json_object
from gateway.transports.sse import Events

_ENDS = ("response.completed", "response.incomplete")
_WHOLE = ("completed", "incomplete")
_FAILED = ("error", "response.failed")


class _Item(msgspec.Struct, gc=False):
    name: Any = None


class _Response(msgspec.Struct, gc=False):
    status: Any = None
    usage: Any = None


class _Event(msgspec.Struct, gc=False):
    """`item` is one of output at its beginning or end, `response` the whole of it so far."""

    type: str = ""
    delta: Any = None
    item: _Item | None = None
    response: _Response | None = None
    error: Any = None


_read = decoded_leniently_as(_Event)


class EventChunk(Chunk, gc=False):
    """`type` is the event's. Only the one that ends the response has usage in what it said."""

    type: str = ""

    @property
    def is_end(self) -> bool:
        return self.type in _ENDS


class ResponseEvents(Events):
    """Whole with the event that has the whole response, be it complete or cut at its limit."""

    __slots__ = ()

    def _take(self, payload: bytes) -> EventChunk:
        event = _read(payload)
        if event.error or event.type in _FAILED:
            raise UpstreamServerError("The provider reported an error in the middle of its answer.")
        if not event.type.isprintable() or not event.type:
            raise UpstreamBroken
        said = Said()
        if event.type in _ENDS:
            if event.response is None or event.response.status not in _WHOLE:
                raise UpstreamBroken
            said.usage = openai_usage(event.response.usage)
            self.done = True
        elif text := _text_of(event):
            said.choices = [Choice(delta=Delta(content=text))]
        return EventChunk(said, payload, type=event.type)


def _text_of(event: _Event) -> str:
    """Said for the first time: what is done is said anew as a whole."""
    if event.type.endswith(".delta"):
        return event.delta if isinstance(event.delta, str) else ""
    if event.type == "response.output_item.added" and event.item is not None:
        return event.item.name if isinstance(event.item.name, str) else ""
    return ""


def openai_usage(usage: Any) -> Body | None:
    """Usage in the words of OpenAI's chat; None where there is none."""
    if not isinstance(usage, Mapping):
        return None
    return {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "total_tokens": usage.get("total_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }


def _said_in(item: Any) -> Iterator[str]:
    if not isinstance(item, Mapping):
        return
    yield from (text for name in ("name", "arguments", "input") if isinstance(text := item.get(name), str))
    for name in ("content", "summary"):
        parts = item.get(name)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                yield from (text for key in ("text", "refusal") if isinstance(text := part.get(key), str))


class _Responses:
    path = "responses"
    events = ResponseEvents
    decode = staticmethod(json_object)

    @staticmethod
    def check(body: Body) -> None:
        if not isinstance(body.get("output"), list) or body.get("status") not in _WHOLE:
            raise UpstreamBroken

    @staticmethod
    def read(body: Body) -> tuple[str, Any]:
        return "".join(text for item in body["output"] for text in _said_in(item)), openai_usage(body.get("usage"))


RESPONSES: Format = _Responses()
