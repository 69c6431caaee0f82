"""The HTTP client under LiteLLM: guarded connections, one attempt, no redirects, and an observer of every byte.

LiteLLM builds its clients itself and caches them by provider, so the guard can't be a client of ours: it is the one
transport that all of its clients are given, and it learns from the context which call it is working for.
"""

from collections.abc import AsyncIterator
from contextvars import ContextVar

import aiohttp
import httpx
from yarl import URL

from gateway.transports.errors import UpstreamCut, UpstreamError
from gateway.transports.litellm.observed import Observed
from gateway.transports.wire import FAILURES, Sessions, let_go, policy_of, refuse_failure, send, translate
from opscenter.core.outbound import OutboundRefused, Policy, check_base_url

_NOT_COPIED = {"content-encoding", "content-length", "transfer-encoding"}
_MAX_FETCH_BYTES = 32 * 1024 * 1024


class Work:
    """One call that LiteLLM is at work on."""

    __slots__ = ("observed", "origin", "sessions")

    def __init__(self, observed: Observed, sessions: Sessions) -> None:
        self.observed = observed
        self.sessions = sessions
        base = observed.call.target.api_base
        self.origin = URL(check_base_url(base, Policy.PRIVATE_ALLOWED)).origin() if base else None

    def policy(self, method: str, url: URL) -> Policy:
        """Only calls of the target's own origin may go to a private one: what is fetched (an image, say) is a caller's
        wish, and must not be a look into what else that origin tells.
        """
        is_call = method == "POST" and url.origin() == self.origin
        return policy_of(self.observed.call.target) if is_call else Policy.PUBLIC

    def keep_key_home(self, request: httpx.Request, url: URL) -> None:
        """Raise OutboundRefused where the target has an origin and its key, or its prompt, would go to another."""
        if self.origin is None or url.origin() == self.origin:
            return
        key = self.observed.call.target.api_key
        told = (str(url), *request.headers.values())
        if request.method == "POST" or (key and any(key in value for value in told)):
            raise OutboundRefused("LiteLLM asked for another origin than the one that the key belongs to")


current_work: ContextVar[Work] = ContextVar("current_work")


class GuardedTransport(httpx.AsyncBaseTransport):
    """Given to every asynchronous client that LiteLLM makes. Outside of a call of ours it connects to nothing."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        work = current_work.get(None)
        if work is None:
            raise httpx.ConnectError("LiteLLM may connect only while it serves a call of the gateway")
        if request.method == "POST":
            return await _call(work, request)
        return await _fetch(work, request)

    async def aclose(self) -> None:
        """The sessions outlive the clients that LiteLLM makes over them."""


class RefusingTransport(httpx.BaseTransport):
    """Given to every synchronous client that LiteLLM makes: nothing blocking and nothing unguarded goes out."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("LiteLLM's synchronous clients are not used here")


async def _call(work: Work, request: httpx.Request) -> httpx.Response:
    try:
        response = await _send(work, request)
        await refuse_failure(response, work.observed.call.target)
    except FAILURES as error:
        raise work.observed.fail(translate(error, started=False)) from error
    except UpstreamError as error:
        raise work.observed.fail(error) from None
    return _as_httpx(request, response, _ObservedBody(response, work.observed))


async def _fetch(work: Work, request: httpx.Request) -> httpx.Response:
    """Something that the request refers to, such as an image; its failure is not the upstream's."""
    try:
        response = await _send(work, request)
    except FAILURES as error:
        raise httpx.ConnectError("What the request refers to can't be fetched") from error
    if 300 <= response.status < 400:
        response.close()
        raise httpx.ConnectError("What the request refers to redirects elsewhere, which is not followed")
    return _as_httpx(request, response, _FetchedBody(response))


async def _send(work: Work, request: httpx.Request) -> aiohttp.ClientResponse:
    url = URL(str(request.url), encoded=True)
    work.keep_key_home(request, url)
    headers = {**request.headers, "accept-encoding": "identity"}
    headers.pop("content-length", None)
    session = work.sessions.get(work.policy(request.method, url))
    return await send(session, url, headers=headers, data=await request.aread() or None, method=request.method)


def _as_httpx(request: httpx.Request, response: aiohttp.ClientResponse, body: httpx.AsyncByteStream) -> httpx.Response:
    headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _NOT_COPIED]
    return httpx.Response(response.status, headers=headers, stream=body, request=request)


class _ObservedBody(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, observed: Observed) -> None:
        self._response = response
        self._observed = observed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        observed = self._observed
        try:
            while data := await self._response.content.readany():
                observed.feed(data)
                yield data
            observed.finish()
        except FAILURES as error:
            raise observed.fail(UpstreamCut()) from error
        except UpstreamError as error:
            raise observed.fail(error) from None

    async def aclose(self) -> None:
        events = self._observed.events
        let_go(self._response, done=events is not None and events.done)


class _FetchedBody(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        while data := await self._response.content.readany():
            size += len(data)
            if size > _MAX_FETCH_BYTES:
                raise httpx.ReadError("What the request refers to is too large")
            yield data

    async def aclose(self) -> None:
        self._response.close()
