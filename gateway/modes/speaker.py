"""Says a chat that several calls have answered: one id, one model, one sum of usage."""

import json
from typing import Any

from credits.amounts import to_text
from gateway.ask import printable
from gateway.composed.whole import Whole
from gateway.records import time_of
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk
from opscenter.core.errors import ServiceError

_DONE = b"data: [DONE]\n\n"
_STEP = "step_generation"


class ComposedSpeaker:
    """A StreamSpeaker. The model is that of who said the first word."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._model: str | None = None

    def plain(self, reply: Reply) -> bytes:
        return _json({**reply.body, **self._head(), "object": "chat.completion", "usage": self._usage()})

    def forward(self, chunks: list[Chunk]) -> bytes:
        return b"".join(_event({**_without_usage(chunk), **self._head()}) for chunk in chunks if chunk.said.choices)

    def closing(self) -> bytes:
        if not self._whole.ask.include_usage:
            return _DONE
        usage = {**self._usage(), "cost_credits": to_text(self._whole.charged_nano)}
        return _event({"choices": [], "usage": usage, **self._head()}) + _DONE

    def broken_off(self, error: ServiceError) -> bytes:
        """An error event and no [DONE]."""
        return _event(error.body())

    def _head(self) -> Body:
        if self._model is None:
            self._model = printable(self._whole.answering.candidate.target.model_name)
        return {
            "id": f"chatcmpl-{self._whole.id.hex}",
            "object": "chat.completion.chunk",
            "created": int(time_of(self._whole.id).timestamp()),
            "model": self._model,
        }

    def _usage(self) -> dict[str, Any]:
        """Of all calls that are charged; the steps' output is counted as reasoning, as reasoning models do."""
        paid = [(part.exchange, part.ending.usage) for part in self._whole.parts if part.ending.captures]
        prompt, output = sum(usage.prompt for _, usage in paid), sum(usage.output for _, usage in paid)
        steps = sum(usage.output for exchange, usage in paid if exchange.tags.get("operation") == _STEP)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": sum(usage.cached for _, usage in paid)},
            "completion_tokens_details": {"reasoning_tokens": steps},
            "inner_calls": len(self._whole.parts),
        }


def _without_usage(chunk: Chunk) -> Body:
    return {name: value for name, value in chunk.body.items() if name != "usage"}


def _event(body: Body) -> bytes:
    return b"data: %b\n\n" % _json(body)


def _json(body: Body) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
