"""One event of a stream, and what of it the gateway has to know: read with the few fields it needs, checked as a whole.

A stream costs a hundred times what its call does for each thing done to a chunk. The typed reading takes an eighth of
the time of a whole one (docs/adr/0009); what doesn't fit its types is read the careful way.
"""

from typing import Any

import msgspec

from gateway.counting import message_text
from gateway.transports.base import Body
from gateway.transports.errors import UpstreamBroken
from gateway.transports.json_body import json_object


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    function: Function | None = None


class Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None

    def text(self) -> str:
        """Everything it says, as gateway.counting.message_text() has it."""
        text = self.content or ""
        for other in (self.reasoning_content, self.reasoning, self.refusal):
            if other:
                text += other
        for call in self.tool_calls or ():
            if call.function is not None:
                text += (call.function.name or "") + (call.function.arguments or "")
        return text


class Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None


class Said(msgspec.Struct, gc=False):
    """`usage` and `error` are as they came."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None
    model: str | None = None


_decode = msgspec.json.Decoder(Said).decode


class Chunk(msgspec.Struct, gc=False):
    """`raw` is the very JSON received, or None where it was translated. Made by received() or translated()."""

    said: Said
    raw: bytes | None = None
    whole: Body | None = None

    @property
    def body(self) -> Body:
        if self.whole is None:
            assert self.raw is not None
            self.whole = json_object(self.raw)
        return self.whole

    @property
    def model(self) -> object:
        return self.said.model


def received(raw: bytes) -> Chunk:
    """Raises UpstreamBroken for what is no JSON object in UTF-8, or no chunk."""
    try:
        if not raw.isascii():
            # What is skipped is checked as JSON, but not as UTF-8.
            raw.decode()
        return Chunk(_decode(raw), raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        body = json_object(raw)
        return Chunk(_carefully(body), raw, body)


def translated(body: Body) -> Chunk:
    """Raises UpstreamBroken for what is no chunk."""
    return Chunk(_carefully(body), None, body)


def _carefully(body: Body) -> Said:
    model = body.get("model")
    return Said(
        choices=[_choice(choice) for choice in _list(body.get("choices"))],
        usage=body.get("usage"),
        error=body.get("error"),
        model=model if isinstance(model, str) else None,
    )


def _list(value: Any) -> list[Any]:
    if value and not isinstance(value, list):
        raise UpstreamBroken
    return value or []


def _choice(choice: Any) -> Choice:
    if not isinstance(choice, dict):
        raise UpstreamBroken
    index, delta, reason = choice.get("index", 0), choice.get("delta"), choice.get("finish_reason")
    try:
        hash(index)
    except TypeError as error:
        raise UpstreamBroken from error
    return Choice(
        index=index,
        delta=Delta(content=message_text(delta)) if isinstance(delta, dict) else None,
        finish_reason=str(reason) if reason else None,
    )
