"""The ASGI handler of the inference endpoints: Django's views and URLs without its middleware and signals.

Django's own handler hops to a thread four times a request for signals that close database connections; nothing here
touches one on the event loop. docs/adr/0003 has the measurement.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.stream import EventStream
from opscenter.core.errors import BadRequest, PayloadTooLarge, ServiceError
from opscenter.core.ids import uuid7

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LENGTH_DIGITS = 19


class BodyCut(Exception):
    """The connection ended before the whole body had come."""


class InferenceHandler(ASGIHandler):
    """Cancels the view as soon as the client goes away, and sees to it that a stream is always released."""

    def load_middleware(self, is_async: bool = False) -> None:
        """None at all."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]  # BaseHandler's

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # its stubs are narrower than ASGI
        try:
            body = await _read_body(scope, receive)
            request = ASGIRequest(scope, BytesIO(body))
        except BodyCut:
            return
        except PayloadTooLarge as error:
            await _send(_refusal(error), send)
            return
        except UnicodeDecodeError:
            await _send(_refusal(BadRequest("The URL is not UTF-8.", code="invalid_url")), send)
            return
        answering = asyncio.ensure_future(self._answer(request, send))
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                answering.cancel()
            await _ended(answering)
        finally:
            answering.cancel()
            leaving.cancel()

    async def _answer(self, request: ASGIRequest, send: Send) -> None:
        response = await self._middleware_chain(request)  # type: ignore[misc]  # the stubs allow for a sync one
        await (_stream(response, send) if isinstance(response, EventStream) else _send(response, send))


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    most = settings.MAX_BODY_BYTES
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if length.isdigit() and (len(length) > _LENGTH_DIGITS or int(length) > most):
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyCut
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {most} bytes.")


def _refusal(error: ServiceError) -> HttpResponse:
    from gateway.views.base import error_response  # noqa: PLC0415 - views need the handler's stream module first

    response = error_response(error)
    response["x-request-id"] = str(uuid7())
    return response


async def _ended(task: "asyncio.Future[None]") -> None:
    try:
        await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise


def _start(response: HttpResponseBase) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": [(name.encode("ascii").lower(), value.encode("latin1")) for name, value in response.items()],
    }


async def _send(response: Any, send: Send) -> None:
    body = response.content
    if not response.has_header("Content-Length"):
        response["Content-Length"] = str(len(body))
    await send(_start(response))
    await send({"type": "http.response.body", "body": body})


async def _stream(response: EventStream, send: Send) -> None:
    try:
        await send(_start(response))
        async with aclosing(response.events) as events:
            async for part in events:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        response.release()
