"""The fast path, for upstreams that speak the format asked in: bytes pass; only what money needs is looked at."""

import asyncio
from functools import lru_cache

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gateway.transports.base import Call, Reply, Target, UpstreamStream
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamCut, UpstreamError, UpstreamServerError
from gateway.transports.json_body import encoded
from gateway.transports.watch import Watch
from gateway.transports.wire import (
    FAILURES,
    Sessions,
    answer_by,
    let_go,
    policy_of,
    read_reply,
    refuse_failure,
    send,
    translate,
)
from llmconfig.providers import PROVIDERS
from opscenter.core.outbound import Policy, check_base_url


class Relay:
    """A Transport. It belongs to the event loop that it was first used in."""

    def __init__(self) -> None:
        self._sessions = Sessions()

    async def complete(self, call: Call) -> Reply:
        started = False
        try:
            async with asyncio.timeout_at(answer_by(call)):
                response = await self._open(call)
                started = True
                raw = await _whole(response)
        except FAILURES as error:
            raise translate(error, started=started and not isinstance(error, TimeoutError)) from error
        body = call.format.decode(raw)
        if body.get("error"):
            raise UpstreamServerError(status=response.status)
        call.format.check(body)
        return Reply(body, raw)

    async def stream(self, call: Call) -> UpstreamStream:
        try:
            async with asyncio.timeout_at(answer_by(call)):
                response = await self._open(call)
        except FAILURES as error:
            raise translate(error, started=False) from error
        return RelayStream(response, call)

    async def aclose(self) -> None:
        await self._sessions.aclose()

    async def _open(self, call: Call) -> aiohttp.ClientResponse:
        target = call.target
        response = await send(
            self._sessions.get(policy_of(target)),
            _url(target.api_base, call.format.path),
            headers=_headers(target),
            data=encoded(call.body),
        )
        await refuse_failure(response, target)
        return response


class RelayStream:
    """An UpstreamStream over one response."""

    def __init__(self, response: aiohttp.ClientResponse, call: Call) -> None:
        self._response = response
        self._events = call.format.events()
        self._failure: UpstreamError | None = None
        self._closed = False
        self._watch = Watch(idle_timeout_s=call.idle_timeout_s, deadline=call.deadline, expired=self._stop)

    async def read(self) -> list[Chunk]:
        if self._failure is not None:
            raise self._failure
        try:
            return await self._read()
        except UpstreamError as error:
            self._failure = error
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._watch.stop()
            let_go(self._response, done=self._events.done)

    async def _read(self) -> list[Chunk]:
        events = self._events
        while not events.done:
            data = await self._wait()
            if not data:
                events.finish()
                break
            if chunks := events.feed(data):
                return chunks
        if not events.is_whole:
            raise UpstreamCut
        await self.aclose()
        return []

    async def _wait(self) -> bytes:
        with self._watch:
            try:
                return await self._response.content.readany()
            except FAILURES as error:
                raise UpstreamCut from error

    def _stop(self, failure: UpstreamCut) -> None:
        self._failure = failure
        self._response.content.set_exception(failure)
        self._response.close()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await read_reply(response)
    except BaseException:
        response.close()
        raise


@lru_cache(maxsize=1024)
def _url(api_base: str, path: str) -> URL:
    return URL(f"{check_base_url(api_base, Policy.PRIVATE_ALLOWED)}/{path}")


def _headers(target: Target) -> dict[str, str]:
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.ACCEPT_ENCODING: "identity",
        hdrs.USER_AGENT: "ops-center",
    }
    if target.api_key:
        provider = PROVIDERS.get(target.provider)
        headers |= provider.headers(target.api_key) if provider else {hdrs.AUTHORIZATION: f"Bearer {target.api_key}"}
    return headers
