"""Plain clients for the tests of the upstream itself: httpx, and sockets where every byte matters."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from tests.upstream.running import Upstream, UpstreamProcess

QUESTION = {"role": "user", "content": "one two three"}


def chat(upstream: Upstream | UpstreamProcess, model: str, *, read_s: float = 30, **body: Any) -> httpx.Response:
    body = {"model": model, "messages": [QUESTION]} | body
    return httpx.post(f"{upstream.base_url}/chat/completions", json=body, timeout=read_s)


def stream(upstream: Upstream, model: str, **body: Any) -> bytes:
    """The whole body of a stream that ends properly."""
    response = chat(upstream, model, stream=True, **body)
    assert response.status_code == 200
    return response.content


def events(body: bytes) -> list[Any]:
    """A well-behaved stream's bodies, without [DONE]."""
    lines = [line for line in body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def said(body: bytes) -> str:
    return "".join(c["delta"].get("content") or "" for event in events(body) for c in event["choices"])


@contextmanager
def raw_stream(upstream: Upstream, model: str, **body: Any) -> Iterator[socket.socket]:
    """A connection on which the request has been sent and nothing read."""
    data = json.dumps({"model": model, "messages": [QUESTION], "stream": True} | body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", upstream.port), timeout=60)) as connection:
        connection.sendall(head.encode() + data)
        yield connection


def read_until(connection: socket.socket, text: bytes) -> bytes:
    received = b""
    while text not in received:
        part = connection.recv(65536)
        assert part, f"Ended early: {received!r}"
        received += part
    return received


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65536):
        received += part
    return received
