"""Server-sent events as upstreams send them, one JSON object per `data:` line, checked as strictly as money needs."""

from gateway.transports.chunk import Chunk, received
from gateway.transports.errors import UpstreamBroken, UpstreamServerError

MAX_EVENT_BYTES = 8 * 1024 * 1024


class Events:
    """Feed it bytes as they arrive, get the complete events in them. `done` once `[DONE]` came; the rest is ignored."""

    __slots__ = ("_parts", "_size", "done")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        """Raises UpstreamBroken for what is no JSON object, UpstreamServerError for an error event."""
        if self.done:
            return []
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return []
        lines, rest = data[:end], data[end + 1 :]
        if self._parts:
            lines = b"".join((*self._parts, lines))
            self._parts, self._size = [], 0
        self._keep(rest)
        return self._parse(lines)

    def finish(self) -> None:
        """The connection ended: what is left without a line's end counts only if it is the end mark itself."""
        if b"".join(self._parts).split() == [b"data:", b"[DONE]"]:
            self.done = True

    def _keep(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._size += len(data)
            if self._size > MAX_EVENT_BYTES:
                raise UpstreamBroken("The provider sent an event that is too large.")

    def _parse(self, lines: bytes) -> list[Chunk]:
        chunks: list[Chunk] = []
        for line in lines.split(b"\n"):
            if not line.startswith(b"data:"):
                continue
            payload = line[5:].strip()
            if payload == b"[DONE]":
                self.done = True
                break
            if payload:
                chunk = received(payload)
                if chunk.said.error:
                    raise UpstreamServerError("The provider reported an error in the middle of its answer.")
                chunks.append(chunk)
        return chunks


class Finishes:
    """Which choices of a stream have been seen, and which of them ended with a reason."""

    __slots__ = ("_finished", "_seen")

    def __init__(self) -> None:
        self._seen: set[object] = set()
        self._finished: set[object] = set()

    @property
    def complete(self) -> bool:
        return bool(self._seen) and self._seen == self._finished

    def note(self, chunk: Chunk) -> None:
        for choice in chunk.said.choices or ():
            self._seen.add(choice.index)
            if choice.finish_reason:
                self._finished.add(choice.index)
