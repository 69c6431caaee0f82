"""The load generator, `python -m bench.load`, a process of its own: a fixed number of connections, each of which asks
again as soon as its answer is whole and right. The first wrong answer ends it with an error.

It warms up, prints "warm", waits for a line of input, measures, and prints one JSON object.
"""

import argparse
import asyncio
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from bench.conversation import MARK, WrongAnswer, check, request_body

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw. Times in ms: `first` until the first word of the answer, `whole` until its end."""

    requests: int
    elapsed_s: float
    whole_p50_ms: float
    whole_p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    generator_cpu_s: float


class Phase:
    """A number of requests, or as many as fit into a time; done once every connection has its last answer."""

    def __init__(self, *, connections: int, requests: int | None = None, duration_s: float = math.inf) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.whole_s: list[float] = []
        self.first_s: list[float] = []
        self._asking = connections
        self._left = math.inf if requests is None else requests
        self._deadline = time.perf_counter() + duration_s

    def may_ask(self, now_s: float) -> bool:
        """Counts as one request where it says yes, else as a connection that has finished."""
        if self._left > 0 and now_s < self._deadline:
            self._left -= 1
            return True
        self._asking -= 1
        if not self._asking and not self.done.done():
            self.done.set_result(None)
        return False

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, request: bytes, *, stream: bool) -> None:
        self._request = request
        self._stream = stream
        self._answer = bytearray()
        self._transport: asyncio.Transport
        self._phase: Phase | None = None
        self._asked_s = self._first_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one without being an instance of it.
        self._transport = cast(asyncio.Transport, transport)

    def take_part(self, phase: Phase) -> None:
        self._phase = phase
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not self._first_s and MARK in data:
            self._first_s = time.perf_counter()
        self._answer += data
        try:
            body = whole_body(self._answer)
            if body is not None:
                check(body, stream=self._stream)
                self._count()
        except WrongAnswer as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(WrongAnswer(f"The connection was closed ({exc}) after {bytes(self._answer[:500])!r}"))

    def close(self) -> None:
        self._phase = None
        self._transport.close()

    def _count(self) -> None:
        now_s = time.perf_counter()
        assert self._phase is not None
        self._phase.whole_s.append(now_s - self._asked_s)
        self._phase.first_s.append((self._first_s or now_s) - self._asked_s)
        self._ask()

    def _ask(self) -> None:
        assert self._phase is not None
        self._asked_s = time.perf_counter()
        if self._phase.may_ask(self._asked_s):
            self._answer.clear()
            self._first_s = 0.0
            self._transport.write(self._request)

    def _fail(self, error: WrongAnswer) -> None:
        if self._phase is not None:
            self._phase.fail(error)


def whole_body(answer: bytes | bytearray) -> bytes | None:
    """The body once all of it has come, chunks put together, else None. Raises WrongAnswer unless its status is 200."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return None
    if not answer.startswith(b"HTTP/1.1 200"):
        raise WrongAnswer(bytes(answer[:1000]).decode(errors="replace"))
    head = bytes(answer[:head_end])
    start = head_end + len(_HEAD_END)
    if length := _LENGTH.search(head):
        return bytes(answer[start:]) if len(answer) - start >= int(length[1]) else None
    if not _CHUNKED.search(head):
        raise WrongAnswer(f"An answer without a length: {head!r}")
    return _unchunked(answer, start) if answer.endswith(_LAST_CHUNK) else None


def _unchunked(answer: bytes | bytearray, at: int) -> bytes:
    parts: list[bytes | bytearray] = []
    while True:
        line_end = answer.index(b"\r\n", at)
        size = int(answer[at:line_end], 16)
        if not size:
            return b"".join(parts)
        parts.append(answer[line_end + 2 : line_end + 2 + size])
        at = line_end + size + 4


def quantile(values: Sequence[float], q: float) -> float:
    """By the nearest rank; of at least one value."""
    return sorted(values)[max(math.ceil(q * len(values)) - 1, 0)]


def _http_request(port: int, *, key: str, body: bytes) -> bytes:
    head = (
        "POST /v1/chat/completions HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + _HEAD_END + body


async def _run(connections: list[Connection], phase: Phase, limit_s: float) -> None:
    for connection in connections:
        connection.take_part(phase)
    await asyncio.wait_for(phase.done, limit_s)


async def measure(options: argparse.Namespace) -> Load:
    loop = asyncio.get_running_loop()
    body = request_body(model=options.model, stream=options.stream)
    request = _http_request(options.port, key=options.key, body=body)
    connections = [
        (await loop.create_connection(lambda: Connection(request, stream=options.stream), "127.0.0.1", options.port))[1]
        for _ in range(options.in_flight)
    ]
    await _run(connections, Phase(connections=options.in_flight, requests=options.warm_up), _PATIENCE_S)
    print("warm", flush=True)
    sys.stdin.readline()
    phase = Phase(connections=options.in_flight, requests=options.requests, duration_s=options.duration_s)
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    await _run(connections, phase, options.limit_s)
    elapsed_s, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    for connection in connections:
        connection.close()
    whole_p50, whole_p99 = (quantile(phase.whole_s, q) * 1000 for q in (0.5, 0.99))
    first_p50, first_p99 = (quantile(phase.first_s, q) * 1000 for q in (0.5, 0.99))
    return Load(len(phase.whole_s), elapsed_s, whole_p50, whole_p99, first_p50, first_p99, cpu_s)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask one server the same again and again.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True, help="the bearer token")
    parser.add_argument("--model", required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--warm-up", type=int, default=10, help="requests before the measurement")
    parser.add_argument("--requests", type=int, help="measure so many, else for --duration-s")
    parser.add_argument("--duration-s", type=float, default=math.inf)
    parser.add_argument("--limit-s", type=float, default=600, help="give up after so long")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(uvloop.run(measure(_options())))), flush=True)
    except (WrongAnswer, OSError, TimeoutError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
