"""Server-sent events as upstreams send them, one payload per `data:` line, taken apart as the bytes arrive."""

from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamBroken

MAX_EVENT_BYTES = 8 * 1024 * 1024


class Events:
    """Feed it bytes as they arrive, get the complete events in them. Each format says what an event is in `_take`.

    `done` once the upstream said that it was; the rest is ignored.
    """

    __slots__ = ("_parts", "_size", "done")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.done = False

    @property
    def is_whole(self) -> bool:
        """Whether what has come is an answer with its proper end."""
        return self.done

    def feed(self, data: bytes) -> list[Chunk]:
        """Raises UpstreamBroken for what is no event of this format, UpstreamServerError for an error event."""
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
        last = b"".join(self._parts)
        if last.startswith(b"data:") and self._is_end(last[5:].strip()):
            self.done = True

    def _is_end(self, payload: bytes) -> bool:
        """Whether `payload` is a mark that says nothing but that the answer is done."""
        return False

    def _take(self, payload: bytes) -> Chunk:
        raise NotImplementedError

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
            if not payload:
                continue
            if self._is_end(payload):
                self.done = True
                break
            chunks.append(self._take(payload))
            if self.done:
                break
        return chunks
