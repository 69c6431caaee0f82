"""What a chat's chunks mean step by step: blocks that begin, grow and end, one after the other."""

from collections.abc import Iterator
from typing import Any

from gateway.endpoints.chat_said import calls_in, function_in, thoughts_in
from gateway.endpoints.messages.from_chat import stop_of, text_in
from gateway.transports.base import Body


class Steps:
    """One stream's, of its first choice. A tool's use without an id is named after `ids`."""

    def __init__(self, *, ids: str, stops: list[str]) -> None:
        self._ids = ids
        self._stops = stops
        self._open: object = None
        self._number = -1
        self._blocks_of_calls: dict[object, int] = {}
        self._ended: Body = {}

    def of(self, chunk: Body) -> Iterator[Body]:
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta")
            if isinstance(delta, dict):
                yield from self._said(delta)
            if choice.get("finish_reason"):
                self._ended = choice

    def last(self) -> Iterator[Body]:
        yield from self._close()

    def stop(self) -> Body:
        return stop_of(self._ended, stops=self._stops, used_tool=bool(self._blocks_of_calls))

    def _said(self, delta: Body) -> Iterator[Body]:
        if thoughts := thoughts_in(delta):
            yield from self._block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            yield self._more(self._number, {"type": "thinking_delta", "thinking": thoughts})
        if text := text_in(delta):
            yield from self._block("text", {"type": "text", "text": ""})
            yield self._more(self._number, {"type": "text_delta", "text": text})
        for call in calls_in(delta):
            yield from self._called(call)

    def _called(self, call: Body) -> Iterator[Body]:
        """Servers that number no calls send each of them whole, with an id."""
        key = call.get("index", call.get("id"))
        name, arguments = function_in(call)
        if key not in self._blocks_of_calls:
            use = {"type": "tool_use", "id": str(call.get("id") or f"{self._ids}_{len(self._blocks_of_calls)}")}
            yield from self._block(("call", key), {**use, "name": name, "input": {}})
            self._blocks_of_calls[key] = self._number
        if arguments:
            # Of one that is no longer the last, more may come all the same.
            yield self._more(self._blocks_of_calls[key], {"type": "input_json_delta", "partial_json": arguments})

    def _block(self, kind: Any, beginning: Body) -> Iterator[Body]:
        """Begin another one, unless one of this kind is open."""
        if self._open == kind:
            return
        yield from self._close()
        self._open = kind
        self._number += 1
        yield {"type": "content_block_start", "index": self._number, "content_block": beginning}

    def _close(self) -> Iterator[Body]:
        if self._open is not None:
            self._open = None
            yield {"type": "content_block_stop", "index": self._number}

    @staticmethod
    def _more(number: int, delta: Body) -> Body:
        return {"type": "content_block_delta", "index": number, "delta": delta}
