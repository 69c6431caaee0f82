"""The items of a request's input, and what of them is billed by the piece or read as text."""

from collections.abc import Iterator
from typing import Any

from gateway.transports.base import Body
from gateway.transports.json_body import encoded

# At its original size, an image is as many tokens as so many others.
_IMAGES_IN_AN_ORIGINAL = 5


class Media:
    """`image_bytes` is the length of inlined images, which aren't text; `images` and `files` are numbers of them."""

    def __init__(self, body: Body) -> None:
        self.images = self.files = self.image_bytes = 0
        for item in items_of(body):
            for part in parts_of(item):
                self._note(part)

    def _note(self, part: Body) -> None:
        if part.get("type") == "input_file":
            self.files += 1
        elif part.get("type") == "input_image":
            self.images += _IMAGES_IN_AN_ORIGINAL if part.get("detail") == "original" else 1
            url = part.get("image_url")
            self.image_bytes += len(url) if isinstance(url, str) and url.startswith("data:image/") else 0


def items_of(body: Body) -> list[Body]:
    """A text alone is a message of the user's."""
    given = body["input"]
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def kind_of(item: Body) -> Any:
    return item.get("type") or "message"


def parts_of(item: Body) -> Iterator[Body]:
    """What a message, or a tool's output, consists of where it isn't a text alone."""
    for name in ("content", "output", "summary"):
        parts = item.get(name)
        yield from (part for part in (parts if isinstance(parts, list) else ()) if isinstance(part, dict))


def texts_of(body: Body) -> Iterator[str]:
    """Everything in it that a model reads as text, images and files aside."""
    if isinstance(body.get("instructions"), str):
        yield body["instructions"]
    for item in items_of(body):
        yield from _texts(item, "content", "output", "name", "arguments", "input")
        for part in parts_of(item):
            yield from _texts(part, "text", "refusal")
    for tool in body.get("tools") or ():
        yield encoded(tool).decode()


def _texts(holder: Body, *names: str) -> Iterator[str]:
    return (value for name in names if isinstance(value := holder.get(name), str))
