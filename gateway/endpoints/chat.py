"""POST /v1/chat/completions: OpenAI's chat completions, plain and streamed."""

import json
from typing import Any

from credits.amounts import to_text
from gateway.ask import FILE_TOKENS, Ask, boolean_in, count_in, model_in, take_tags
from gateway.counting import count_prompt
from gateway.endpoints.base import Endpoint, OneWay, Speaker
from gateway.endpoints.chat_media import Media
from gateway.errors import InvalidRequest
from gateway.exchange import Exchange
from gateway.renaming import Renaming
from gateway.request_json import json_object
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk, translated
from gateway.transports.formats.chat import CHAT as FORMAT
from gateway.unpriced import refuse_unpriced, refuse_unpriced_caches
from llmconfig.models import Purpose
from llmconfig.target import Target
from opscenter.core.errors import ServiceError

_MESSAGE_ALLOWANCE = 16
_MOST_CHOICES = 128
# As JSON may spell the letters of any name.
_ESCAPED = b"\\u00"
_DONE = b"data: [DONE]\n\n"


def parse(raw: bytes) -> Ask:
    """Read a chat completions body. Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise InvalidRequest("`messages` must be a list of at least one message object.", param="messages")
    stream = boolean_in(body, "stream")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise InvalidRequest("`stream_options` must be an object.", param="stream_options")
    if options and not stream:
        raise InvalidRequest("`stream_options` goes with `stream: true` only.", param="stream_options")
    refuse_unpriced(body)
    if b"cache_control" in raw or _ESCAPED in raw:
        refuse_unpriced_caches(body)
    media = Media(messages)
    return Ask(
        body=body,
        model=model_in(body),
        stream=stream,
        include_usage=bool(options and options.get("include_usage")),
        choices=count_in(body, "n", most=_MOST_CHOICES) or 1,
        max_tokens=_max_tokens(body),
        input_bound=_input_bound(raw, messages, media),
        media=media.images,
        tags=take_tags(body),
    )


def _max_tokens(body: Body) -> int | None:
    limits = [count_in(body, name) for name in ("max_completion_tokens", "max_tokens")]
    return min((limit for limit in limits if limit is not None), default=None)


def _input_bound(raw: bytes, messages: list[Body], media: Media) -> int:
    """A token is at least one byte of text, and JSON only makes text longer."""
    bound: int = len(raw) - media.image_bytes + _MESSAGE_ALLOWANCE * (len(messages) + 1)
    return bound + FILE_TOKENS * media.files


class ChatWay:
    """As the target is asked for chat in any case: its own transport, OpenAI's format."""

    format = FORMAT

    def transport(self, target: Target) -> str:
        return target.transport

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        body = {**ask.body, "model": target.upstream_model}
        body.pop("max_tokens", None)
        body.pop("max_completion_tokens", None)
        body[target.max_tokens_param] = output_tokens
        if ask.stream:
            body["stream"] = True
            body["stream_options"] = {**(ask.body.get("stream_options") or {}), "include_usage": True}
        return body

    def speaker(self, exchange: Exchange) -> Speaker:
        return ChatSpeaker(exchange)


class ChatSpeaker:
    """Passes on what came, with the public model's name; usage comes at the end, with its cost."""

    __slots__ = ("_exchange", "_head", "_rename")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rename = Renaming(exchange.answering.candidate.target.model_name)
        self._head: Body | None = None

    def plain(self, reply: Reply) -> bytes:
        return self._rename.apply(reply)

    def forward(self, chunks: list[Chunk]) -> bytes:
        if self._head is None:
            self._head = {name: chunks[0].body[name] for name in ("id", "created") if name in chunks[0].body}
        events = []
        for chunk in chunks:
            if not chunk.said.usage:
                events.append(b"data: %b\n\n" % self._rename.apply(chunk))
            elif chunk.said.choices:
                events.append(b"data: %b\n\n" % self._rename.apply(_without_usage(chunk)))
        return b"".join(events)

    def closing(self) -> bytes:
        exchange = self._exchange
        if not exchange.ask.include_usage:
            return _DONE
        usage: dict[str, Any] = dict(exchange.meter.reported or _counted(exchange))
        usage["cost_credits"] = to_text(exchange.charged_nano)
        body = {
            **(self._head or {}),
            "object": "chat.completion.chunk",
            "model": exchange.answering.candidate.target.model_name,
            "choices": [],
            "usage": usage,
        }
        return b"data: %b\n\n%b" % (json.dumps(body, separators=(",", ":")).encode(), _DONE)

    def broken_off(self, error: ServiceError) -> bytes:
        """An error event and no [DONE]."""
        return b"data: %b\n\n" % json.dumps(error.body()).encode()


def _without_usage(chunk: Chunk) -> Chunk:
    return translated({name: value for name, value in chunk.body.items() if name != "usage"})


def _counted(exchange: Exchange) -> dict[str, int]:
    counts = exchange.counted_usage()
    return {
        "prompt_tokens": counts.uncached,
        "completion_tokens": counts.output,
        "total_tokens": counts.uncached + counts.output,
    }


def _tokens_of_prompt(body: Body) -> int:
    return count_prompt(body["messages"])


CHAT: Endpoint = OneWay("chat/completions", Purpose.CHAT.value, parse, _tokens_of_prompt, ChatWay())
