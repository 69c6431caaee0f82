"""What templates see: text, numbers, and objects and lists that say themselves as JSON; never anything with methods."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


class Fields(dict[str, Any]):
    """An object. `size`: about how many characters it says."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.size = sum(len(name) + size_of(one) for name, one in fields.items())

    def __str__(self) -> str:
        return _json(self)


class Items(list[Any]):
    """A list, and so is a slice of it. `size` as an object's."""

    def __init__(self, items: Iterable[Any]) -> None:
        super().__init__(items)
        self.size = sum(map(size_of, self))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Items(found) if isinstance(key, slice) else found

    def __str__(self) -> str:
        return _json(self)


class StandIn(str):
    """For the output of a step that hasn't run: as long as that can be, whatever of it is looked up."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> "StandIn":
        return self

    def __iter__(self) -> Iterator[str]:
        return iter((self,))

    def __reversed__(self) -> Iterator[str]:
        return iter(self)


def size_of(value: Any) -> int:
    """How much work it is to look at it, in characters."""
    if isinstance(value, str):
        return len(value) + 1
    return value.size + 1 if isinstance(value, Fields | Items) else 1


def plain(value: Any) -> Any:
    """`value`, as JSON was read, for templates; null is an empty text."""
    if isinstance(value, dict):
        return Fields({name: plain(one) for name, one in value.items()})
    if isinstance(value, list):
        return Items(plain(one) for one in value)
    return "" if value is None else value


def looked_up(value: Any, name: str) -> Any:
    """The field, the place in a list, or an object's `items`. Raises LookupError where there is none."""
    if isinstance(value, StandIn):
        return [(value, value)] if name == "items" else value
    if isinstance(value, dict):
        return value[name] if name in value or name != "items" else list(value.items())
    if isinstance(value, list | tuple) and name.isdecimal():
        return value[int(name)]
    raise LookupError(name)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
