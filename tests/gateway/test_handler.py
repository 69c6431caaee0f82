"""The ASGI handler: what it reads of a request before any view sees it."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from gateway.handler import InferenceHandler
from gateway.intake import Intake
from opscenter.core.errors import PayloadTooLarge

Message = MutableMapping[str, Any]


class _Client:
    """Sends `messages`, then stays connected; `answers` is what it got, `asked` how often it was read from."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.answers: list[Message] = []
        self.asked = 0

    async def receive(self) -> Message:
        self.asked += 1
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    @property
    def status(self) -> int:
        return int(self.answers[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.answers[1:])


def _scope(**fields: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 7),
        "server": ("127.0.0.1", 8084),
        **fields,
    }


def _length(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"localhost"), (b"content-length", value)]


def _part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def _serve(client: _Client, **scope: Any) -> None:
    async with asyncio.timeout(60):
        await InferenceHandler()(_scope(**scope), client.receive, client.send)


@pytest.fixture(autouse=True)
def _small_bodies(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100


async def test_a_body_announced_as_too_large_is_refused_unread() -> None:
    client = _Client(_part(b"x" * 101))

    await _serve(client, headers=_length(b"101"))

    assert client.status == 413
    assert b'"payload_too_large"' in client.body
    assert client.asked == 0


async def test_a_body_that_turns_out_too_large_is_refused_while_it_comes() -> None:
    client = _Client(*[_part(b"x" * 40, more=True) for _ in range(10)])

    await _serve(client)

    assert client.status == 413
    assert client.asked == 3


async def test_a_body_larger_than_announced_is_refused() -> None:
    client = _Client(_part(b"x" * 60, more=True), _part(b"x" * 60))

    with pytest.raises(PayloadTooLarge), Intake().body(_length(b"60")) as body:
        await body.read(client.receive)


@pytest.mark.parametrize("length", [b"9" * 5000, b"100" + b"0" * 40], ids=len)
async def test_an_absurd_length_is_too_large(length: bytes) -> None:
    client = _Client(_part(b""))

    await _serve(client, headers=_length(length))

    assert client.status == 413


async def test_a_body_of_the_largest_size_is_read() -> None:
    client = _Client(_part(b"x" * 50, more=True), _part(b"x" * 50))

    await _serve(client, headers=_length(b"100"))

    assert client.status == 401


async def test_a_client_that_leaves_while_it_sends_is_forgotten() -> None:
    client = _Client(_part(b"{", more=True), {"type": "http.disconnect"})

    await _serve(client)

    assert client.answers == []


async def test_a_client_that_leaves_at_once_gets_no_answer() -> None:
    client = _Client({"type": "http.disconnect"})

    await _serve(client)

    assert client.answers == []


async def test_a_url_that_is_not_utf_8_is_a_400() -> None:
    client = _Client(_part(b""))

    await _serve(client, query_string=b"a=\xff")

    assert client.status == 400
    assert b'"invalid_url"' in client.body


async def test_an_answer_says_how_long_it_is() -> None:
    client = _Client(_part(b""))

    await _serve(client)

    headers = dict(client.answers[0]["headers"])
    assert headers[b"content-length"] == str(len(client.body)).encode()
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert headers[b"x-content-type-options"] == b"nosniff"
