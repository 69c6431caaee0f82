"""The ASGI application in this process: its loop in a thread, so that tests look at the database meanwhile."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import httpx

from gateway import runtime
from tests.eventually import eventually

T = TypeVar("T")

TIMEOUT_S = 30


class InProcess:
    """A context manager. Calls take the key's plaintext as `key` and a JSON body as `body`."""

    def __init__(self, *, clock: runtime.Clock = runtime.utc_now) -> None:
        self._clock = clock

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()
        self.runtime = self.run(runtime.start(clock=self._clock))
        eventually(runtime.is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(runtime.stop())
        self.run(_end_what_others_left())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self.run(self._call(method, path, key, content, headers or {}))

    def leave(self, key: str, *, once: Callable[[], object], **fields: Any) -> None:
        """A chat whose client goes away as soon as `once` is true."""
        self.leave_call(key, {"messages": [{"role": "user", "content": "Hello"}], **fields}, {}, once=once)

    def leave_call(
        self,
        key: str,
        body: Any,
        headers: Mapping[str, str],
        *,
        once: Callable[[], object],
        path: str = "/v1/chat/completions",
    ) -> None:
        asking = self._call("POST", path, key, json.dumps(body).encode(), headers)
        client = asyncio.run_coroutine_threadsafe(asking, self._loop)
        eventually(once)
        client.cancel()

    def get(self, path: str, *, key: str | None = None) -> httpx.Response:
        return self.call("GET", path, key=key)

    def chat(self, key: str, *, model: str | None = None, text: str = "Hello", **fields: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": text}], **fields}
        if model is not None:
            body["model"] = model
        return self.call("POST", "/v1/chat/completions", key=key, content=json.dumps(body).encode())

    def sees_changes(self) -> None:
        """Returns when the snapshot is as new as the database."""
        from opscenter.core.models import ConfigVersion

        version = ConfigVersion.objects.get(pk=1).version
        eventually(lambda: self.runtime.snapshots.current().version >= version)

    async def _call(
        self, method: str, path: str, key: str | None, content: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        from opscenter.asgi import application

        sent = {**({"Authorization": f"Bearer {key}"} if key else {}), **headers}
        transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # httpx names its own ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, content=content, headers=sent)


async def _end_what_others_left() -> None:
    """LiteLLM logs in a task that has no end: destroyed with its loop, it would be whatever test's failure."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
