"""What a chat's chunks mean step by step: items that begin, grow and end."""

from collections.abc import Iterator

from gateway.endpoints.chat_said import calls_in, function_in, refusal_in, text_in, thoughts_in
from gateway.endpoints.responses.output import Call, Item, Refusal, Text, Thoughts
from gateway.transports.base import Body

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_SAID = ((Thoughts, thoughts_in), (Text, text_in), (Refusal, refusal_in))


class Steps:
    """Of one stream, of its first choice; a plain answer is taken as the only chunk of one. `ids` names its items."""

    def __init__(self, *, ids: str) -> None:
        self._ids = ids
        self._items: list[Item] = []
        self._open: Item | None = None
        self._calls: dict[str, Call] = {}
        self._reason: object = None

    def of(self, chunk: Body) -> Iterator[Body]:
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            said = choice.get("delta") or choice.get("message")
            if isinstance(said, dict):
                yield from self._said(said)
            self._reason = choice.get("finish_reason") or self._reason

    def last(self) -> Iterator[Body]:
        """The ends of all that is open."""
        yield from self._close(self.status)
        for call in self._calls.values():
            yield from call.end(self.status)

    @property
    def status(self) -> str:
        return "incomplete" if self.why_incomplete else "completed"

    @property
    def why_incomplete(self) -> str | None:
        return _INCOMPLETE.get(str(self._reason))

    @property
    def output(self) -> list[Body]:
        """All items as they are in the end; what another one came after is complete in any case."""
        return [item.whole(self.status if self._is_last(item) else "completed") for item in self._items]

    def _is_last(self, item: Item) -> bool:
        return item is self._items[-1] or item in self._calls.values()

    def _said(self, said: Body) -> Iterator[Body]:
        for kind, read in _SAID:
            if text := read(said):
                if type(self._open) is not kind:
                    yield from self._begin(kind(len(self._items), self._ids))
                assert self._open is not None
                yield from self._open.more(text)
        for call in calls_in(said):
            yield from self._called(call)

    def _called(self, said: Body) -> Iterator[Body]:
        """Servers that number no calls send each of them whole, most with an id."""
        name, arguments = function_in(said)
        key = str(said.get("index", said.get("id", len(self._items) if name else None)))
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = Call(len(self._items), self._ids, call_id=said.get("id"), name=name)
            yield from self._close("completed")
            self._items.append(call)
            yield from call.begin()
        if arguments:
            # Of one that is no longer the last, more may come all the same.
            yield from call.more(arguments)

    def _begin(self, item: Item) -> Iterator[Body]:
        yield from self._close("completed")
        self._items.append(item)
        self._open = item
        yield from item.begin()

    def _close(self, status: str) -> Iterator[Body]:
        if self._open is not None:
            open_, self._open = self._open, None
            yield from open_.end(status)
