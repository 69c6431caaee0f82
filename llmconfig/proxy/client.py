"""The management API of a LiteLLM proxy, spoken with its master key. Nothing that it answers gets into a message."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import aiohttp
from django.conf import settings

from llmconfig.errors import ProxyRefusedKey, ProxyRejected, ProxyUnreachable
from opscenter.core.outbound import Policy, check_base_url, guarded_session

TIMEOUT_S = 30.0
ATTEMPTS = 3
_PAUSE_S = 0.5
_MAX_BYTES = 64 * 1024 * 1024


class ProxyClient:
    """An async context manager: one session with LITELLM_PROXY_URL."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S, attempts: int = ATTEMPTS) -> None:
        self._base = settings.LITELLM_PROXY_URL
        self._headers = {"Authorization": f"Bearer {settings.LITELLM_MASTER_KEY}"}
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        try:
            check_base_url(self._base, Policy.PRIVATE_ALLOWED)
        except OSError as error:
            raise ProxyUnreachable(f"LITELLM_PROXY_URL can't be used: {error}.") from error
        self._session = guarded_session(Policy.PRIVATE_ALLOWED, timeout_s=self._timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def ask(self, method: str, path: str, *, body: Any = None, query: dict[str, str] | None = None) -> Any:
        """The parsed answer. What may pass is tried again. Raises ProxyUnreachable, ProxyRefusedKey, ProxyRejected."""
        for attempt in range(1, self._attempts + 1):
            try:
                status, answer = await self._exchange(method, path, body, query)
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
                if attempt == self._attempts:
                    raise ProxyUnreachable(f"The proxy does not answer ({type(error).__name__}).") from error
            else:
                if status < 300:
                    return answer
                if _is_about_the_key(method, status):
                    raise ProxyRefusedKey
                if attempt == self._attempts or not (status == 429 or status >= 500):
                    raise ProxyRejected(method, path, status)
            await asyncio.sleep(_PAUSE_S * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, method: str, path: str, body: Any, query: dict[str, str] | None) -> tuple[int, Any]:
        assert self._session is not None
        async with self._session.request(
            method, f"{self._base}{path}", json=body, params=query, headers=self._headers, allow_redirects=False
        ) as response:
            if response.status >= 300:
                return response.status, None
            content = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                content += chunk
                if len(content) > _MAX_BYTES:
                    raise ValueError("the answer is longer than any list of models")
            answer = json.loads(content)
            if method == "GET" and not isinstance(answer, dict):
                raise ValueError("whatever answers there is no LiteLLM proxy")
            return response.status, answer


def _is_about_the_key(method: str, status: int) -> bool:
    """A proxy without a database can't look other keys than its master key up, and answers 400."""
    return status in (401, 403) or (status == 400 and method == "GET")
