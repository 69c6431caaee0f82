"""A call's claim to its Idempotency-Key, and what it has said so far."""

import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from gateway.endpoints.base import Speaker, StreamSpeaker
from gateway.transports.base import Reply
from gateway.transports.chunk import Chunk
from opscenter.core.errors import ServiceError


class Claim:
    """`is_held` once there is a hold, which then says how the call stands."""

    __slots__ = ("_began", "_heard", "id", "is_held", "request_id")

    def __init__(self, id: int, request_id: UUID, *, began: float) -> None:
        self.id = id
        self.request_id = request_id
        self.is_held = False
        self._began = began
        self._heard: Heard | None = None

    @property
    def is_late(self) -> bool:
        """Whether somebody else may soon think that this process is dead; clocks differ."""
        lease_s: float = settings.LEASE_S
        return time.monotonic() - self._began > lease_s / 2

    def heard(self, make: Callable[[], Speaker]) -> "Heard":
        """The call's speaker: always the same, and what it says is heard here."""
        if self._heard is None:
            self._heard = Heard(make())
        return self._heard

    @property
    def said(self) -> bytes | None:
        """All of it; None where it is more than IDEMPOTENCY_MAX_BYTES."""
        return self._heard.said if self._heard else None


class Heard:
    """A StreamSpeaker that remembers; what it says at the end it says once."""

    __slots__ = ("_closing", "_parts", "_plain", "_size", "_speaker")

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._parts: list[bytes] = []
        self._size = 0
        self._plain: bytes | None = None
        self._closing: bytes | None = None

    @property
    def said(self) -> bytes | None:
        return b"".join(self._parts) if self._size <= settings.IDEMPOTENCY_MAX_BYTES else None

    def plain(self, reply: Reply) -> bytes:
        if self._plain is None:
            self._plain = self._hear(self._speaker.plain(reply))
        return self._plain

    def forward(self, chunks: list[Chunk]) -> bytes:
        return self._hear(self._stream.forward(chunks))

    def closing(self) -> bytes:
        if self._closing is None:
            self._closing = self._hear(self._stream.closing())
        return self._closing

    def broken_off(self, error: ServiceError) -> bytes:
        return self._stream.broken_off(error)

    @property
    def _stream(self) -> StreamSpeaker:
        assert isinstance(self._speaker, StreamSpeaker), "streams are asked for at endpoints that have them"
        return self._speaker

    def _hear(self, part: bytes) -> bytes:
        self._size += len(part)
        if self._size <= settings.IDEMPOTENCY_MAX_BYTES:
            self._parts.append(part)
        else:
            self._parts.clear()
        return part
