"""The test upstream's server: the demo server, told per call to misbehave, that logs every call.

Told by the model's name (`fault:...`), by the header x-upstream-fault, or by `behave(model or path, ...)`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from aiohttp import web

from opscenter.demo_server import DONE, MAX_BODY_BYTES, STREAM_HEADERS, Chat, DemoServer, RequestRefused, event
from tests.upstream.calls import CALL, Call, CallLog
from tests.upstream.endpoints import ROUTES
from tests.upstream.messages import Message
from tests.upstream.messages import chat_of as message_chat
from tests.upstream.misbehaviour import HEADER, MISBEHAVIOUR, PREFIX, Misbehaviour, UnknownMisbehaviour
from tests.upstream.model import UpstreamModel
from tests.upstream.responses import Response
from tests.upstream.responses import chat_of as response_chat
from tests.upstream.wire import GARBAGE_JSON, Sender, bend, reset

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL_PREFIX = "/_"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
STOLEN = "/stolen"
EMPTY_ACCOUNT = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "Your credit balance is too low to access the API. Please go to Plans & Billing.",
    },
}
MODELS = ("demo", "test-model")


class UpstreamServer(DemoServer):
    """Takes any model's name. All its methods run on its loop; `Upstream` is the way in from other threads."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = CallLog()
        self.gate = asyncio.Event()
        self._behaviours: dict[str, list[str]] = {}
        self._open: dict[int, web.Request] = {}  # by the call's number
        self._number = 0

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._around])
        also = (web.post(MESSAGES, self.messages), web.post(RESPONSES, self.responses))
        application.add_routes([*self.routes(), *ROUTES, *also, web.route("*", STOLEN, self._stolen)])
        return application

    def behave(self, name: str, *specs: str) -> None:
        """From now on calls to this model or path behave by these specs in turn; the last one stays."""
        for spec in specs:
            Misbehaviour.parse(spec)
        self._behaviours[name] = list(specs)

    def release(self) -> None:
        """Lets every call pass that waits at a gate, and those to come."""
        self.gate.set()

    def reset(self) -> None:
        """Forgets calls and behaviours, and hangs up on whoever is still connected from before."""
        for request in list(self._open.values()):
            reset(request)
        self.calls = CallLog()
        self._behaviours.clear()
        self.gate = asyncio.Event()

    async def models(self, request: web.Request) -> web.StreamResponse:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in MODELS]
        return web.json_response({"object": "list", "data": data})

    def check(self, chat: Chat) -> None:
        pass

    async def plain(self, request: web.Request, chat: Chat) -> web.StreamResponse:
        chat, model = self._bent(request, chat)
        return web.json_response(model.completion(chat))

    async def stream(self, request: web.Request, chat: Chat) -> web.StreamResponse:
        chat, model = self._bent(request, chat)
        response = web.StreamResponse(headers=STREAM_HEADERS)
        await self._send(request, response, self._frames(model.chunks(chat), request[MISBEHAVIOUR]))
        return response

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Anthropic's."""
        return await self._typed(request, Message(message_chat(request[CALL].body), request[MISBEHAVIOUR]))

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """OpenAI's newer ones."""
        return await self._typed(request, Response(response_chat(request[CALL].body), request[MISBEHAVIOUR]))

    async def _typed(self, request: web.Request, answer: Message | Response) -> web.StreamResponse:
        request[CALL].usage = answer.usage
        if not request[CALL].body.get("stream"):
            return web.json_response(answer.whole())
        response = web.StreamResponse(headers=STREAM_HEADERS)
        await self._send(request, response, answer.frames())
        return response

    def _bent(self, request: web.Request, chat: Chat) -> tuple[Chat, UpstreamModel]:
        misbehaviour = request[MISBEHAVIOUR]
        if "ignore-max-tokens" in misbehaviour:
            chat = replace(chat, max_tokens=None)
        model = UpstreamModel(misbehaviour)
        if chat.include_usage or not chat.stream or "usage-on-each-chunk" in misbehaviour:
            request[CALL].usage = model.usage(chat, model.answer(chat))
        return chat, model

    @staticmethod
    def _frames(bodies: Iterator[dict[str, Any]], misbehaviour: Misbehaviour) -> Iterator[bytes]:
        yield from map(event, bodies)
        if "no-done" not in misbehaviour:
            yield DONE

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        call = await self._logged(request)
        self._open[call.number] = request
        try:
            return await self._answer(request, handler)
        except (asyncio.CancelledError, ConnectionError):
            # Our own hanging up cancels the handler as well.
            call.client_gone = not call.hung_up
            raise
        finally:
            call.ended = True
            del self._open[call.number]

    async def _logged(self, request: web.Request) -> Call:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        model = body.get("model") if isinstance(body, dict) else None
        spec = self._spec(request, model if isinstance(model, str) else "")
        self._number += 1
        call = Call(
            number=self._number,
            method=request.method,
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            fault=spec,
        )
        self.calls.append(call)
        request[CALL] = call
        return call

    def _spec(self, request: web.Request, model: str) -> str:
        if request.path == STOLEN:
            return ""
        if HEADER in request.headers:
            return request.headers[HEADER]
        for name in (model, request.path):
            specs = self._behaviours.get(name)
            if specs:
                return specs.pop(0) if len(specs) > 1 else specs[0]
        return model.removeprefix(PREFIX) if model.startswith(PREFIX) else ""

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = request[CALL]
        try:
            misbehaviour = request[MISBEHAVIOUR] = Misbehaviour.parse(call.fault)
        except UnknownMisbehaviour as unknown:
            return web.Response(status=501, text=str(unknown))
        await asyncio.sleep(misbehaviour.number("slow-first-byte"))
        response = self._instead(request, misbehaviour)
        if response is None:
            response = await _unless_refused(handler, request)
        if call.hung_up:
            return response
        call.status = response.status
        if isinstance(response, web.Response) and misbehaviour and response.status == 200:
            return await self._send_plain(request, response, misbehaviour)
        call.finished = True
        return response

    def _instead(self, request: web.Request, misbehaviour: Misbehaviour) -> web.StreamResponse | None:
        """The answer that replaces the endpoint's own."""
        if "status" in misbehaviour or "empty-account" in misbehaviour:
            return error_response(request, misbehaviour)
        if "redirect" in misbehaviour:
            return web.Response(status=302, headers={"Location": STOLEN})
        if "garbage-json" in misbehaviour:
            return web.Response(body=GARBAGE_JSON, content_type="application/json")
        if "reset-before-first-byte" in misbehaviour:
            request[CALL].hung_up = True
            reset(request)
            return web.Response()
        if "close-before-first-byte" in misbehaviour and request.transport is not None:
            request[CALL].hung_up = True
            request.transport.close()
            return web.Response()
        return None

    async def _send_plain(
        self, request: web.Request, response: web.Response, misbehaviour: Misbehaviour
    ) -> web.StreamResponse:
        body = bend(response.body if isinstance(response.body, bytes) else b"", misbehaviour)
        cut = len(body) // 2
        bent = web.StreamResponse(headers={"Content-Type": response.content_type})
        bent.content_length = len(body)
        await self._send(request, bent, iter((body[:cut], body[cut:])))
        return bent

    async def _send(self, request: web.Request, response: web.StreamResponse, frames: Iterator[bytes]) -> None:
        request[CALL].status = 200
        sender = Sender(
            request=request,
            response=response,
            call=request[CALL],
            misbehaviour=request[MISBEHAVIOUR],
            gate=self.gate,
        )
        await sender.send(frames)
        request[CALL].finished = not request[CALL].hung_up

    async def _stolen(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"stolen": True})


async def _unless_refused(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except RequestRefused as refused:
        return refused.response()


def error_response(request: web.Request, misbehaviour: Misbehaviour) -> web.Response:
    """As providers answer, the caller's key quoted in it: it must never reach a consumer."""
    if "empty-account" in misbehaviour:
        return web.json_response(EMPTY_ACCOUNT, status=400)
    status = int(misbehaviour.text("status"))
    key = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
    message = f"Told to answer {status} at {request.host} to key {key}."
    body: dict[str, Any] = {"error": {"message": message, "type": "test_error"}}
    if request.path == MESSAGES:
        body["type"] = "error"
    else:
        body["error"] |= {"param": None, "code": f"told_{status}"}
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = misbehaviour.text("status", 1, "1")
    return web.json_response(body, status=status, headers=headers)
