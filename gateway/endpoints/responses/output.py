"""The items of an answer's output: whole, and as they grow in a stream, each event of which is made here.

An item begins, says more any number of times, and ends.
"""

from collections.abc import Iterator
from typing import ClassVar

from gateway.transports.base import Body


class Item:
    """`number` is its place in the output. `kind` is part of the type of an event that brings text, `within` where in
    the item that belongs.
    """

    kind: str
    prefix: str
    within: ClassVar[Body] = {}
    also: ClassVar[Body] = {}

    def __init__(self, number: int, ids: str) -> None:
        self.number = number
        self.id = f"{self.prefix}_{ids}_{number}"
        self._said: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._said)

    def whole(self, status: str) -> Body:
        raise NotImplementedError

    def begin(self) -> Iterator[Body]:
        item = {**self.whole("in_progress"), **self._empty()}
        yield {"type": "response.output_item.added", "output_index": self.number, "item": item}

    def more(self, text: str) -> Iterator[Body]:
        self._said.append(text)
        yield self._at(f"response.{self.kind}.delta", **self.within, delta=text, **self.also)

    def end(self, status: str) -> Iterator[Body]:
        yield from self._done()
        yield {"type": "response.output_item.done", "output_index": self.number, "item": self.whole(status)}

    def _empty(self) -> Body:
        """What it is without that which comes in parts."""
        return {}

    def _done(self) -> Iterator[Body]:
        raise NotImplementedError

    def _at(self, type: str, **fields: object) -> Body:
        return {"type": type, "item_id": self.id, "output_index": self.number, **fields}


class Text(Item):
    """A message of the assistant's, in one part."""

    kind = "output_text"
    prefix = "msg"
    within: ClassVar[Body] = {"content_index": 0}
    also: ClassVar[Body] = {"logprobs": []}

    def whole(self, status: str) -> Body:
        return {
            "id": self.id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [self._part(self.text)],
        }

    def begin(self) -> Iterator[Body]:
        yield from super().begin()
        yield self._at("response.content_part.added", **self.within, part=self._part(""))

    def _empty(self) -> Body:
        return {"content": []}

    def _part(self, text: str) -> Body:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _done(self) -> Iterator[Body]:
        yield self._at("response.output_text.done", **self.within, text=self.text, **self.also)
        yield self._at("response.content_part.done", **self.within, part=self._part(self.text))


class Refusal(Text):
    """A message by which the model declines."""

    kind = "refusal"
    also: ClassVar[Body] = {}

    def _part(self, text: str) -> Body:
        return {"type": "refusal", "refusal": text}

    def _done(self) -> Iterator[Body]:
        yield self._at("response.refusal.done", **self.within, refusal=self.text)
        yield self._at("response.content_part.done", **self.within, part=self._part(self.text))


class Thoughts(Item):
    """What a model tells of its thoughts, as a summary: it is all that there is."""

    kind = "reasoning_summary_text"
    prefix = "rs"
    within: ClassVar[Body] = {"summary_index": 0}

    def whole(self, status: str) -> Body:
        return {"id": self.id, "type": "reasoning", "status": status, "summary": [self._part(self.text)]}

    def begin(self) -> Iterator[Body]:
        yield from super().begin()
        yield self._at("response.reasoning_summary_part.added", **self.within, part=self._part(""))

    def _empty(self) -> Body:
        return {"summary": []}

    def _part(self, text: str) -> Body:
        return {"type": "summary_text", "text": text}

    def _done(self) -> Iterator[Body]:
        yield self._at("response.reasoning_summary_text.done", **self.within, text=self.text)
        yield self._at("response.reasoning_summary_part.done", **self.within, part=self._part(self.text))


class Call(Item):
    """A call of a function."""

    kind = "function_call_arguments"
    prefix = "fc"

    def __init__(self, number: int, ids: str, *, call_id: object, name: str) -> None:
        super().__init__(number, ids)
        self._call_id = str(call_id or f"call_{ids}_{number}")
        self._name = name

    def whole(self, status: str) -> Body:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": self.text,
        }

    def _done(self) -> Iterator[Body]:
        yield self._at("response.function_call_arguments.done", name=self._name, arguments=self.text)
