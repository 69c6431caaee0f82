"""The HTTP that both transports share: guarded sessions, one request, and what its failures mean.

Redirects are never followed, cookies never kept, proxies of the environment never used.
"""

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from django.conf import settings
from yarl import URL

from gateway.transports.base import Call, Target
from gateway.transports.errors import (
    UpstreamBadRequest,
    UpstreamBroken,
    UpstreamCut,
    UpstreamError,
    UpstreamServerError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.transports.redaction import upstream_message
from gateway.transports.verdict import kind_of
from opscenter.core.outbound import Policy, guarded_connector

MAX_REPLY_BYTES = 64 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_ERROR_BODY_TIMEOUT_S = 5.0
_LINGER_S = 1.0
FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


def answer_by(call: Call) -> float:
    """When, in the loop's time, the upstream must have begun to answer, or answered if the call is a plain one."""
    patience_s = min(call.target.timeout_s, call.patience_s)
    return min(asyncio.get_running_loop().time() + patience_s, call.deadline)


def policy_of(target: Target) -> Policy:
    return Policy.PRIVATE_ALLOWED if target.is_private_network else Policy.PUBLIC


class Sessions:
    """One client session, and so one connection pool, per outbound policy; made when first needed."""

    def __init__(self) -> None:
        self._by_policy: dict[Policy, aiohttp.ClientSession] = {}

    def get(self, policy: Policy) -> aiohttp.ClientSession:
        session = self._by_policy.get(policy)
        if session is None:
            session = self._by_policy[policy] = aiohttp.ClientSession(
                connector=guarded_connector(policy, on_connect=_opened),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.UPSTREAM_CONNECT_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return session

    async def aclose(self) -> None:
        sessions, self._by_policy = self._by_policy, {}
        for session in sessions.values():
            await session.close()


class _Way:
    """The connection that a request goes over: whether it had to be opened."""

    __slots__ = ("is_new",)

    def __init__(self) -> None:
        self.is_new = False


# aiohttp tells of reused connections through trace hooks, which cost every request 30 microseconds.
_way: ContextVar[_Way] = ContextVar("way")


def _opened() -> None:
    _way.get().is_new = True


async def send(
    session: aiohttp.ClientSession, url: URL, *, headers: Mapping[str, str], data: Any, method: str = "POST"
) -> aiohttp.ClientResponse:
    """The response with its headers read, whatever its status.

    A kept-alive connection that turns out to be closed is no answer of the upstream: the request is sent once more.
    """
    for last in (False, True):
        way = _Way()
        _way.set(way)
        try:
            return await session.request(method, url, data=data, headers=headers, allow_redirects=False)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if last or way.is_new or isinstance(error, aiohttp.ClientConnectorError):
                raise
        except aiohttp.InvalidURL:
            raise
        except ValueError as error:
            raise UpstreamUnreachable("The provider's key has characters that can't be sent.") from error
    raise AssertionError("unreachable")


def translate(error: Exception, *, started: bool) -> UpstreamError:
    """What one of FAILURES means. `started`: part of the answer had arrived."""
    if isinstance(error, (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
        return UpstreamUnreachable()
    if isinstance(error, aiohttp.ClientResponseError):
        return UpstreamBroken()
    if started:
        return UpstreamCut()
    return UpstreamTimeout() if isinstance(error, TimeoutError) else UpstreamUnreachable()


async def refuse_failure(response: aiohttp.ClientResponse, target: Target) -> None:
    """Raises what a status other than 2xx means, after a look at the beginning of its body."""
    status = response.status
    if 200 <= status < 300:
        return
    try:
        content = await _error_body(response)
    finally:
        let_go(response, done=response.content.is_eof())
    raise from_status(status, response.headers, content, target)


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    try:
        async with asyncio.timeout(_ERROR_BODY_TIMEOUT_S):
            while len(content) < _MAX_ERROR_BYTES and (data := await response.content.readany()):
                content += data
    except (aiohttp.ClientError, OSError):
        pass
    return content[:_MAX_ERROR_BYTES]


def from_status(status: int, headers: Mapping[str, str], content: bytes, target: Target) -> UpstreamError:
    if status >= 500:
        return UpstreamServerError(status=status, retry_after=retry_after_s(headers))
    if status < 400:
        return UpstreamBroken("The provider redirects elsewhere, which is not followed.", status=status)
    kind = kind_of(status, content)
    message = upstream_message(content, target) if kind is UpstreamBadRequest else None
    return kind(message, status=status, retry_after=retry_after_s(headers))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, of a Retry-After header in seconds or as an HTTP date."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value)) if value.replace(".", "", 1).isdecimal() else _until(value)
    except (ValueError, OverflowError):
        return None


def _until(http_date: str) -> float:
    return max(0.0, parsedate_to_datetime(http_date).timestamp() - time.time())


async def read_reply(response: aiohttp.ClientResponse) -> bytes:
    """The body of a plain answer. Raises UpstreamBroken when it is larger than any answer may be."""
    parts: list[bytes] = []
    size = 0
    while data := await response.content.readany():
        size += len(data)
        if size > MAX_REPLY_BYTES:
            response.close()
            raise UpstreamBroken("The provider sent an answer that is too large.")
        parts.append(data)
    return b"".join(parts)


def let_go(response: aiohttp.ClientResponse, *, done: bool) -> None:
    """Closes the connection, or where the answer is done, leaves it a moment to end by itself and be used again."""
    if not done:
        response.close()
    elif not response.content.is_eof():
        asyncio.get_running_loop().call_later(_LINGER_S, response.close)
