"""Clients that keep calling while something breaks, and remember what they were told."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Self
from uuid import uuid4

import httpx

TIMEOUT_S = 60
JOIN_S = 90


@dataclass(frozen=True, slots=True)
class Kind:
    """What a client asks for, again and again."""

    model: str
    stream: bool
    max_tokens: int = 500


@dataclass(slots=True)
class Told:
    """A call as its client saw it. `marker` is in the prompt and in X-Request-Id: it finds the row, and the upstream's
    own log.
    """

    marker: str
    kind: Kind
    status: int = 0
    request_id: str = ""
    retry_after: str = ""
    text: int = 0
    whole: bool = False
    error: str = ""
    began: float = 0.0
    took_s: float = 0.0
    ended: bool = False
    # Of the client's end of the connection.
    port: int = 0

    @property
    def broken(self) -> bool:
        """The connection ended before the answer did."""
        return self.ended and not self.whole and not self.error

    @property
    def mid_stream(self) -> bool:
        return not self.ended and self.text > 0

    @property
    def broken_mid_stream(self) -> bool:
        return self.broken and self.text > 0


class Load:
    """One thread per client, from `with` to its end; each goes through `kinds` in turn, beginning with another, with
    `pause_s` between two calls. Those who `move` make a connection for each call, so that calls spread over workers.
    """

    def __init__(
        self, url: str, key: str, kinds: Sequence[Kind], clients: int, *, pause_s: float = 0, move: bool = False
    ) -> None:
        self.told: list[Told] = []
        self._url, self._pause_s = url, pause_s
        self._more_headers = {"Connection": "close"} if move else {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(key, cycle([*kinds[n:], *kinds[:n]])))
            for n in (number % len(kinds) for number in range(clients))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Every call that has begun is read to its end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_S)
            assert not thread.is_alive(), "A client waits for an answer that never comes."

    def _client(self, key: str, kinds: Iterator[Kind]) -> None:
        headers = {"Authorization": f"Bearer {key}", **self._more_headers}
        with httpx.Client(base_url=self._url, timeout=TIMEOUT_S, headers=headers) as http:
            while not self._stopping.wait(self._pause_s):
                told = Told(uuid4().hex, next(kinds))
                self.told.append(told)
                call(http, told)


def call(http: httpx.Client, told: Told) -> None:
    """Make it; `told` says at any moment how far it is."""
    kind = told.kind
    body = {
        "model": kind.model,
        "messages": [{"role": "user", "content": f"Say hello to {told.marker}"}],
        "max_tokens": kind.max_tokens,
        "stream": kind.stream,
    }
    told.began = time.monotonic()
    with suppress(httpx.HTTPError):
        _send(http, body, told)
    told.took_s = time.monotonic() - told.began
    told.ended = True


def _send(http: httpx.Client, body: dict[str, Any], told: Told) -> None:
    headers = {"X-Request-Id": told.marker}
    with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        told.status = answer.status_code
        told.request_id = answer.headers.get("x-request-id", "")
        told.retry_after = answer.headers.get("retry-after", "")
        told.port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        if told.kind.stream and answer.status_code == 200:
            for line in answer.iter_lines():
                _hear(told, line)
            return
        said = json.loads(answer.read())
        told.error = said["error"].get("code") or said["error"]["type"] if "error" in said else ""
        told.whole = answer.status_code == 200


def _hear(told: Told, line: str) -> None:
    if line == "data: [DONE]":
        told.whole = True
    elif line.startswith("data: "):
        event = json.loads(line.removeprefix("data: "))
        if "error" in event:
            told.error = event["error"].get("code") or event["error"]["type"]
        told.text += any(choice["delta"].get("content") for choice in event.get("choices", ()))


def go_on(seconds: float) -> None:
    """How long a fault lasts, or the time until the next, while the load goes on: part of what is proved."""
    threading.Event().wait(seconds)


class Probe:
    """Asks for one address every `every_s` and remembers each answer: (status, seconds); 0 is none."""

    def __init__(self, url: str, every_s: float) -> None:
        self.answers: list[tuple[int, float]] = []
        self._url, self._every_s = url, every_s
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Self]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            thread.join(JOIN_S)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_S) as http:
            while not self._stopping.wait(self._every_s):
                began, status = time.monotonic(), 0
                with suppress(httpx.HTTPError):
                    status = http.get(self._url).status_code
                self.answers.append((status, time.monotonic() - began))
