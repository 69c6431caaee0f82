"""A chat's answer as a response, plain and step by step."""

import itertools
from typing import Any

from gateway.endpoints.responses.events import broken_off, event
from gateway.endpoints.responses.steps import Steps
from gateway.endpoints.responses.usage import usage_of, with_cost
from gateway.exchange import Exchange
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk
from gateway.transports.json_body import encoded
from opscenter.core.errors import ServiceError

# Told again as they were asked for, or as OpenAI has them where they weren't.
_TOLD: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


class TranslatedSpeaker:
    """Turns a chat's chunks into events; the last of them wait for the cost."""

    __slots__ = ("_exchange", "_has_begun", "_numbers", "_steps")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._steps = Steps(ids=exchange.id.hex)
        self._numbers = itertools.count()
        self._has_begun = False

    def plain(self, reply: Reply) -> bytes:
        # All at once: nobody is told of the steps.
        list(self._steps.of(reply.body))
        return encoded(self._response(self._steps.status, usage_of(self._exchange)))

    def forward(self, chunks: list[Chunk]) -> bytes:
        events = []
        if not self._has_begun:
            self._has_begun = True
            nothing = self._response("in_progress", None)
            events += [self._event({"type": f"response.{name}", "response": nothing}) for name in _BEGINNINGS]
        events += [self._event(step) for chunk in chunks for step in self._steps.of(chunk.body)]
        return b"".join(events)

    def closing(self) -> bytes:
        last = [self._event(step) for step in self._steps.last()]
        status = self._steps.status
        response = self._response(status, with_cost(None, self._exchange))
        return b"".join((*last, self._event({"type": f"response.{status}", "response": response})))

    def broken_off(self, error: ServiceError) -> bytes:
        return broken_off(error, number=next(self._numbers))

    def _event(self, step: Body) -> bytes:
        return event({**step, "sequence_number": next(self._numbers)})

    def _response(self, status: str, usage: Body | None) -> Body:
        exchange, asked = self._exchange, self._exchange.ask.body
        why = self._steps.why_incomplete if status == "incomplete" else None
        return {
            "id": f"resp_{exchange.id.hex}",
            "object": "response",
            "created_at": _seconds_of(exchange),
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": why} if why else None,
            "model": exchange.answering.candidate.target.model_name,
            "output": [] if status == "in_progress" else self._steps.output,
            "previous_response_id": None,
            "store": False,
            "usage": usage,
            **{name: usual if asked.get(name) is None else asked[name] for name, usual in _TOLD.items()},
        }


_BEGINNINGS = ("created", "in_progress")


def _seconds_of(exchange: Exchange) -> int:
    """Since 1970: its id begins with the time, in milliseconds."""
    return (exchange.id.int >> 80) // 1000
