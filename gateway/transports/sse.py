"""Server-sent events as upstreams send them, one JSON object per `data:` line, checked as strictly as money needs."""

import json
from typing import Any

from gateway.transports.base import Body, Chunk
from gateway.transports.errors import UpstreamBroken, UpstreamServerError

MAX_EVENT_BYTES = 8 * 1024 * 1024
_decode = json.JSONDecoder().decode


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
                chunks.append(Chunk(json_object(payload), payload))
                if "error" in chunks[-1].body and chunks[-1].body["error"]:
                    raise UpstreamServerError("The provider reported an error in the middle of its answer.")
        return chunks


def decoded(content: bytes) -> Any:
    """Raises UpstreamBroken unless `content` is UTF-8 and JSON."""
    try:
        return _decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise UpstreamBroken from error


def json_object(content: bytes) -> Body:
    """Raises UpstreamBroken unless `content` is UTF-8 and a JSON object."""
    body: Body = decoded(content)
    if type(body) is not dict:
        raise UpstreamBroken
    return body


class Finishes:
    """Which choices of a stream have been seen, and which of them ended with a reason."""

    __slots__ = ("_finished", "_seen")

    def __init__(self) -> None:
        self._seen: set[object] = set()
        self._finished: set[object] = set()

    @property
    def complete(self) -> bool:
        return bool(self._seen) and self._seen == self._finished

    def note(self, body: Body) -> None:
        """Raises UpstreamBroken where `choices` is not what the format says."""
        choices: Any = body.get("choices")
        if not choices:
            return
        try:
            for choice in choices:
                index = choice.get("index", 0)
                self._seen.add(index)
                if choice.get("finish_reason"):
                    self._finished.add(index)
        except (AttributeError, TypeError) as error:
            raise UpstreamBroken from error
