"""A consumer's request body, checked as far as the gateway itself depends on it; everything else passes through."""

from dataclasses import dataclass, field
from typing import Any

from gateway.errors import InvalidRequest
from gateway.request_json import json_object
from gateway.unpriced import is_spelled_out, refuse_unpriced

_TAGS = ("component", "operation", "routing_path")
_TAG_LENGTH = 100
_MESSAGE_ALLOWANCE = 16
_MOST_CHOICES = 128


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """`body` is what the client sent less what is ours; `input_bound` is the most tokens its text can be.

    `media` is how many images, films and files are in it or are pointed at.
    """

    body: dict[str, Any]
    model: str | None
    stream: bool
    include_usage: bool
    choices: int
    max_tokens: int | None
    input_bound: int
    media: int
    tags: dict[str, str] = field(default_factory=dict)


def parse_chat(raw: bytes) -> ChatAsk:
    """Read a chat completions body. Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise InvalidRequest("`messages` must be a list of at least one message object.", param="messages")
    stream = _boolean(body, "stream")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise InvalidRequest("`stream_options` must be an object.", param="stream_options")
    if options and not stream:
        raise InvalidRequest("`stream_options` goes with `stream: true` only.", param="stream_options")
    refuse_unpriced(body)
    image_bytes, media = _media(messages)
    return ChatAsk(
        body=body,
        model=_model(body),
        stream=stream,
        include_usage=bool(options and options.get("include_usage")),
        choices=_count(body, "n", most=_MOST_CHOICES) or 1,
        max_tokens=_max_tokens(body),
        # A token is at least one byte of text, and JSON only makes text longer.
        input_bound=len(raw) - image_bytes + _MESSAGE_ALLOWANCE * (len(messages) + 1),
        media=media,
        tags=_take_tags(body),
    )


def _model(body: dict[str, Any]) -> str | None:
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequest("`model` must be a string.", param="model")
    return None if model in (None, "", "auto") else model


def _boolean(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"`{name}` must be true or false.", param=name)
    return bool(value)


def _count(body: dict[str, Any], name: str, *, most: int = 10_000_000) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidRequest(f"`{name}` must be a whole number from 1 to {most}.", param=name)
    return value


def _max_tokens(body: dict[str, Any]) -> int | None:
    limits = [_count(body, name) for name in ("max_completion_tokens", "max_tokens")]
    return min((limit for limit in limits if limit is not None), default=None)


def _media(messages: list[dict[str, Any]]) -> tuple[int, int]:
    """(bytes of inlined image data, number of images, films and files): they are billed by the piece, not by length."""
    size = number = 0
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and not is_spelled_out(part):
                number += 1
                image = part.get("image_url") if part.get("type") == "image_url" else None
                url = image.get("url") if isinstance(image, dict) else image
                if isinstance(url, str) and url.startswith("data:image/"):
                    size += len(url)
    return size, number


def printable(text: str) -> str:
    """`text` as any database takes it: without NUL, lone surrogates and other characters that show nothing."""
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())


def _take_tags(body: dict[str, Any]) -> dict[str, str]:
    """Remove our tags from `metadata`; what the client put there besides stays for the provider."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    tags = {name: printable(str(metadata[name]))[:_TAG_LENGTH] for name in _TAGS if metadata.get(name) is not None}
    rest = {name: value for name, value in metadata.items() if name not in _TAGS}
    if rest:
        body["metadata"] = rest
    else:
        del body["metadata"]
    return tags
