"""The model server of the bench, `python -m bench.stub`: fixed answers, at the least cost. Prints its port.

It runs on asyncio's own loop: there every write is a send of its own, where uvloop would put a stream's chunks, written
without a pause, into one packet.
"""

import argparse
import asyncio
import json
import signal
from functools import partial

from bench.conversation import MODEL, PACED, plain_answer, stream_events

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Stub(asyncio.Protocol):
    """One connection. `pace_s` is the pause before each chunk of the paced model; the other one knows none."""

    def __init__(self, *, pace_s: float) -> None:
        self._pace_s = pace_s
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(_HEAD_END)) >= 0:
            head = bytes(self._buffer[:head_end])
            end = head_end + len(_HEAD_END) + _content_length(head)
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[head_end + len(_HEAD_END) : end])
            del self._buffer[:end]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"POST"):
            self._transport.write(MODELS)
        elif not (asked := json.loads(body)).get("stream"):
            self._transport.write(PLAIN)
        elif asked["model"] == PACED:
            self._transport.write(STREAM_HEAD)
            self._send_paced(0)
        else:
            self._transport.write(STREAM_HEAD)
            for chunk in STREAM:
                self._transport.write(chunk)

    def _send_paced(self, n: int) -> None:
        if n < len(STREAM) and not self._transport.is_closing():
            self._transport.write(STREAM[n])
            asyncio.get_running_loop().call_later(self._pace_s, self._send_paced, n + 1)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    return 0 if at < 0 else int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


PLAIN = _whole(plain_answer())
MODELS = _whole(json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode())
STREAM = [*(b"%x\r\n%s\r\n" % (len(event), event) for event in stream_events()), _LAST_CHUNK]


async def serve(*, port: int, pace_s: float) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(partial(Stub, pace_s=pace_s), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model server that costs next to nothing.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace-ms", type=float, default=5, help="pause before each chunk of the paced model")
    options = parser.parse_args()
    asyncio.run(serve(port=options.port, pace_s=options.pace_ms / 1000))
