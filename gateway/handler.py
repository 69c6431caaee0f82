"""The ASGI handler of the inference endpoints: Django's views and URLs without its middleware and signals.

Django's own handler hops to a thread four times a request for signals that close database connections; nothing here
touches one on the event loop. docs/adr/0003 has the measurement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing, suppress
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve

from gateway.authentication import key_in
from gateway.intake import Body, BodyCut, Intake
from gateway.stream import EventStream
from gateway.views.base import caller_by, error_response
from opscenter.core.departures import WHEN_LEFT
from opscenter.core.errors import BadRequest, ServiceError
from opscenter.core.ids import uuid7

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Of a body that is refused unread: what the server passes over without a thought, and what it takes so that a client
# which sends before it reads learns why.
_SMALL_BYTES = 64 * 1024
_LINGER_BYTES = 256 * 1024
_LINGER_S = 1.0


# An answer is data: opened as a page, it is neither run nor framed.
_ALWAYS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
)


class InferenceHandler(ASGIHandler):
    """Cancels the view as soon as the client goes away, and sees to it that a stream is always released."""

    def load_middleware(self, is_async: bool = False) -> None:
        """None at all."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]  # BaseHandler's

    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake()

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Django's goes through the patterns anew for each call, at 3 % of its CPU time."""
        match = request.resolver_match = _view_of(request.path_info)
        return match

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # its stubs are narrower than ASGI
        with self.intake.body(scope["headers"]) as body:
            try:
                request = await self._request(scope, receive, body)
            except BodyCut:
                return
            except ServiceError as error:
                await _refuse(error_response(error, path=scope["path"], request_id=uuid7()), body, receive, send)
                return
            await self._serve(request, receive, send)

    async def _request(self, scope: Scope, receive: Receive, body: Body) -> ASGIRequest:
        """Nobody's body is read before it is known whose it is."""
        body.refuse_if_too_large()
        if body.is_announced:
            scope["caller"] = await caller_by(key_in(scope["headers"]), scope)
        content = await body.read(receive)
        try:
            request = ASGIRequest(scope, BytesIO(content))
            request._body = content  # what `body` would read from the stream
            return request
        except UnicodeDecodeError as error:
            raise BadRequest("The URL is not UTF-8.", code="invalid_url") from error

    async def _serve(self, request: ASGIRequest, receive: Receive, send: Send) -> None:
        answering = asyncio.ensure_future(self._answer(request, send))
        leaving = _on_leaving(request.scope, receive, answering.cancel)
        try:
            await _ended(answering)
        finally:
            answering.cancel()
            if leaving is not None:
                leaving.cancel()

    async def _answer(self, request: ASGIRequest, send: Send) -> None:
        response = await self._middleware_chain(request)  # type: ignore[misc]  # the stubs allow for a sync one
        await (_stream(response, send) if isinstance(response, EventStream) else _send(response, send))


def _on_leaving(
    scope: Mapping[str, Any], receive: Receive, leave: Callable[[], object]
) -> "asyncio.Future[MutableMapping[str, Any]] | None":
    """Has `leave` called when the client goes away. Our own connections call back; to ask others costs a task."""
    if (when_left := scope.get("extensions", {}).get(WHEN_LEFT)) is not None:
        when_left(leave)
        return None
    leaving = asyncio.ensure_future(receive())
    leaving.add_done_callback(lambda _: leave())
    return leaving


@lru_cache(maxsize=256)
def _view_of(path: str) -> ResolverMatch:
    """Raises Resolver404, which is not kept."""
    return resolve(path)


async def _refuse(response: HttpResponse, body: Body, receive: Receive, send: Send) -> None:
    """Answers before the body was read; where that is more than a little, the connection ends with it."""
    response["Content-Length"] = str(len(response.content))
    closes = body.is_longer_than(_SMALL_BYTES)
    if closes:
        response["Connection"] = "close"
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.content, "more_body": closes})
    if closes:
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    """A connection that is closed while its client sends may take the answer with it: what comes is passed over."""
    passed = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while passed < _LINGER_BYTES and (message := await receive())["type"] == "http.request":
                passed += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


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
        "headers": [
            *_ALWAYS,
            *((name.encode("ascii").lower(), value.encode("latin1")) for name, value in response.items()),
        ],
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
