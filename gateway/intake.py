"""Takes in the bodies of requests: each at most so large, all that are held at once at most so much.

How slowly one may come is the connection's business (opscenter/connection.py).
"""

from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from gateway.errors import TooMuchInHand
from opscenter.core.errors import PayloadTooLarge

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = list[tuple[bytes, bytes]]

# More of them say no less that it is too large.
_LENGTH_DIGITS = 19


class BodyCut(Exception):
    """The connection ended before the whole body had come."""


class Intake:
    """One per process, used on its event loop alone. `held` in bytes."""

    def __init__(self) -> None:
        self.held = 0

    def body(self, headers: Headers) -> "Body":
        return Body(self, headers)


class Body:
    """One request's body. A context manager: what it takes of the process's budget is given back at the end."""

    def __init__(self, intake: Intake, headers: Headers) -> None:
        self._intake = intake
        self._taken = 0
        fields = dict(headers)
        self._announced = _size(fields.get(b"content-length", b""))
        self.is_announced = self._announced > 0 or b"transfer-encoding" in fields

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._intake.held -= self._taken

    def is_longer_than(self, size: int) -> bool:
        """By its announcement; one of unknown length is."""
        return self._announced > size or (self.is_announced and not self._announced)

    def refuse_if_too_large(self) -> None:
        """Raises PayloadTooLarge (413) by its announcement alone."""
        _refuse_too_large(self._announced)

    async def read(self, receive: Receive) -> bytes:
        """Raises PayloadTooLarge (413), TooMuchInHand (503), both before reading where they can, and BodyCut."""
        self._take(self._announced)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BodyCut
            part = message.get("body", b"")
            size += len(part)
            self._take(size)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take(self, size: int) -> None:
        """Have `size` bytes of the budget, in all."""
        _refuse_too_large(size)
        if size > self._taken:
            more = size - self._taken
            if self._intake.held + more > settings.BODY_BUDGET_BYTES:
                raise TooMuchInHand()
            self._intake.held += more
            self._taken = size


def _size(content_length: bytes) -> int:
    if not content_length.isdigit():
        return 0
    return int(content_length[:_LENGTH_DIGITS])


def _refuse_too_large(size: int) -> None:
    if size > settings.MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The request body is larger than {settings.MAX_BODY_BYTES} bytes.")
