"""The official SDKs as clients of this process's gateway: what they send and raise is their own."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anthropic
import httpx
import httpx2
import openai

from tests.gateway.in_process import InProcess

T = TypeVar("T")


def by_openai(serving: InProcess, key: str, ask: Callable[[openai.AsyncOpenAI], Awaitable[T]], **options: Any) -> T:
    """What `ask` comes to, whose client is OpenAI's; it tries once unless `max_retries` is among `options`."""

    async def asking() -> T:
        settings: dict[str, Any] = {"base_url": "http://localhost/v1", "max_retries": 0, **options}
        settings.setdefault("http_client", http_client())
        async with openai.AsyncOpenAI(api_key=key, **settings) as client:
            return await ask(client)

    return serving.run(asking())


def by_anthropic(serving: InProcess, key: str, ask: Callable[[anthropic.AsyncAnthropic], Awaitable[T]]) -> T:
    async def asking() -> T:
        from opscenter.asgi import application

        transport = httpx2.ASGITransport(app=application)  # type: ignore[arg-type]  # httpx2 names its own ASGI types
        async with anthropic.AsyncAnthropic(
            base_url="http://localhost",
            api_key=key,
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=transport),
        ) as client:
            return await ask(client)

    return serving.run(asking())


def http_client(**options: Any) -> httpx.AsyncClient:
    from opscenter.asgi import application

    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # httpx names its own ASGI types
    return httpx.AsyncClient(transport=transport, **options)
