"""The content blocks of a request: every one of them, however deep, and the text that they are."""

from collections.abc import Iterator
from typing import Any

from gateway.transports.base import Body
from gateway.transports.json_body import encoded
from gateway.unpriced import refuse_unpriced_cache

_TEXT_SOURCES = ("text", "content")


class Blocks:
    """What of a request is billed by the piece: `image_bytes` is the length of inlined data, which isn't text.

    Raises InvalidRequest (400) for a cache's lifetime that has no price here.
    """

    def __init__(self, body: Body) -> None:
        self.images = self.image_bytes = self.documents = 0
        refuse_unpriced_cache(body)
        for tool in body.get("tools") or ():
            refuse_unpriced_cache(tool)
        for block in all_blocks(body):
            refuse_unpriced_cache(block)
            self._note(block)

    @property
    def has_media(self) -> bool:
        return bool(self.images or self.documents)

    def _note(self, block: Body) -> None:
        source = block.get("source")
        source = source if isinstance(source, dict) else {}
        if block.get("type") == "image":
            self.images += 1
            data = source.get("data")
            self.image_bytes += len(data) if isinstance(data, str) and source.get("type") == "base64" else 0
        elif block.get("type") == "document" and source.get("type") not in _TEXT_SOURCES:
            self.documents += 1


def all_blocks(body: Body) -> Iterator[Body]:
    system = body.get("system")
    if isinstance(system, list):
        yield from _with_inner(system)
    for message in body["messages"]:
        if isinstance(message["content"], list):
            yield from _with_inner(message["content"])


def _with_inner(blocks: list[Any]) -> Iterator[Body]:
    for block in blocks:
        if not isinstance(block, dict):
            continue
        yield block
        source = block.get("source")
        for inner in (block.get("content"), source.get("content") if isinstance(source, dict) else None):
            if isinstance(inner, list):
                yield from _with_inner(inner)


def texts_of(body: Body) -> Iterator[str]:
    """Everything in it that a model reads as text, images and files aside."""
    if isinstance(body.get("system"), str):
        yield body["system"]
    for message in body["messages"]:
        if isinstance(message["content"], str):
            yield message["content"]
    for block in all_blocks(body):
        for name in ("text", "thinking", "title", "name", "content"):
            if isinstance(value := block.get(name), str):
                yield value
        source = block.get("source")
        if isinstance(source, dict) and source.get("type") == "text" and isinstance(source.get("data"), str):
            yield source["data"]
        if block.get("input"):
            yield encoded(block["input"]).decode()
    for tool in body.get("tools") or ():
        yield encoded(tool).decode()
