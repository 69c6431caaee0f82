"""Sending an answer frame by frame, and what can go wrong between two frames."""

import asyncio
import json
import socket
import struct
from collections.abc import Iterable

from aiohttp import web

from opscenter.demo_server import event
from tests.upstream.calls import Call
from tests.upstream.misbehaviour import Misbehaviour

GARBAGE_JSON = b'{"id": "chatcmpl-1", "choices": ['
GARBAGE_EVENT = b"data: {this is not json\n\n"
NON_UTF8_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\x80"}}]}\n\n'
ERROR = {"error": {"message": "The model crashed.", "type": "server_error", "code": "internal_error"}}
# These change a plain body instead of cutting it: see bend().
BENDING = frozenset(("garbage-sse", "non-utf8", "huge-line", "error-event"))
STRIKE_AFTER_EVENTS = 3
ENDLESS_DELAY_S = 0.01
HUGE_BYTES = 50_000_000
PIECE = b"x" * 1_000_000
FRAGMENT_BYTES = 7
# A reset throws away what the peer's kernel holds unread: the peer gets this long to read it.
BEFORE_RESET_S = 0.1


def reset(request: web.Request) -> None:
    """Closes the connection with RST."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class Sender:
    """One answer on the wire, a stream or a plain body in two halves."""

    def __init__(
        self,
        *,
        request: web.Request,
        response: web.StreamResponse,
        call: Call,
        misbehaviour: Misbehaviour,
        gate: asyncio.Event,
    ) -> None:
        self.request = request
        self.response = response
        self.call = call
        self.misbehaviour = misbehaviour
        self.gate = gate
        self.plain = response.content_length is not None
        self.pending = {
            name: int(misbehaviour.number(name, 0, 1 if self.plain else STRIKE_AFTER_EVENTS))
            for name in misbehaviour.mid_stream
            if not (self.plain and name in BENDING)
        }
        if self.plain and "endless" in misbehaviour:
            self.pending["stall-mid-stream"] = 1
        self.delay_s = misbehaviour.number("chunks", 1)
        if "endless" in misbehaviour:
            self.delay_s = misbehaviour.number("endless", 0, ENDLESS_DELAY_S)

    async def send(self, frames: Iterable[bytes]) -> None:
        await self.response.prepare(self.request)
        await asyncio.sleep(self.misbehaviour.number("slow-first-chunk"))
        for frame in frames:
            await self._strike_when_due()
            if self.call.hung_up:
                return
            # Even without a delay this lets others run, beside an endless stream too.
            await asyncio.sleep(0 if self.plain else self.delay_s)
            # Counted before: nobody shall receive more than the log admits.
            self.call.events_sent += 1
            await self._write(frame)
        await self._strike_when_due(at_end=True)

    async def _write(self, frame: bytes) -> None:
        if "crlf" in self.misbehaviour and not self.plain:
            frame = frame.replace(b"\n", b"\r\n")
        if "comments" in self.misbehaviour and not self.plain:
            frame = b": keep-alive\n\n" + frame
        if "fragmented" not in self.misbehaviour:
            await self.response.write(frame)
            return
        for start in range(0, len(frame), FRAGMENT_BYTES):
            await self.response.write(frame[start : start + FRAGMENT_BYTES])
            await asyncio.sleep(0)

    async def _strike_when_due(self, *, at_end: bool = False) -> None:
        for name, after in list(self.pending.items()):
            if self.call.hung_up or (after > self.call.events_sent and not at_end):
                continue
            del self.pending[name]
            await self._strike(name)

    async def _strike(self, name: str) -> None:
        match name:
            case "gate":
                await self.gate.wait()
            case "garbage-sse":
                await self.response.write(GARBAGE_EVENT)
            case "non-utf8":
                await self.response.write(NON_UTF8_EVENT)
            case "huge-line":
                await self._write_huge_line()
            case "error-event":
                await self.response.write(event(ERROR | {"type": "error"}))
                self.call.hung_up = True
            case "stall-mid-stream":
                await asyncio.Event().wait()
            case _:
                await self._hang_up(name)

    async def _write_huge_line(self) -> None:
        await self.response.write(b"data: ")
        for _ in range(int(self.misbehaviour.number("huge-line", 1, HUGE_BYTES)) // len(PIECE)):
            await self.response.write(PIECE)
        await self.response.write(b"\n\n")

    async def _hang_up(self, name: str) -> None:
        transport = self.request.transport
        if name == "reset-mid-stream":
            await asyncio.sleep(BEFORE_RESET_S)
        self.call.hung_up = True
        if name == "reset-mid-stream":
            reset(self.request)
        elif name == "half-close-mid-stream" and transport is not None:
            transport.write_eof()
            await asyncio.Event().wait()
        elif self.plain and transport is not None:
            transport.close()


def bend(body: bytes, misbehaviour: Misbehaviour) -> bytes:
    """A plain body with the faults that have a meaning without a stream."""
    if "garbage-json" in misbehaviour or "garbage-sse" in misbehaviour:
        return GARBAGE_JSON
    if "error-event" in misbehaviour:
        return json.dumps(ERROR).encode()
    if "non-utf8" in misbehaviour:
        return body.replace(b'": "', b'": "\xff\xfe\x80')
    if "huge-line" in misbehaviour:
        size = int(misbehaviour.number("huge-line", 1, HUGE_BYTES))
        return body.replace(b'": "', b'": "' + b"x" * size, 1)
    return body
