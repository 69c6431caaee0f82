"""A stream of LiteLLM's, read by a task of its own.

A read that is cancelled in the middle of LiteLLM's stream closes the upstream, which then looks complete. So nobody
but the task steps it; readers wait for what the task has put down, and may be cancelled and come back.
"""

import asyncio
from typing import Any

from gateway.transports.base import Body
from gateway.transports.chunk import Chunk, translated
from gateway.transports.errors import UpstreamBroken, UpstreamCut, UpstreamError
from gateway.transports.formats.chat import Finishes
from gateway.transports.litellm.chunks import body_of, is_as_sent, mend
from gateway.transports.litellm.observed import Observed
from gateway.transports.watch import Watch

_MOST_AHEAD = 256


class LiteLLMStream:
    """An UpstreamStream. Made in the context of its call, which the task inherits."""

    def __init__(self, wrapper: Any, observed: Observed) -> None:
        call = observed.call
        self._wrapper = wrapper
        self._observed = observed
        self._finishes = Finishes()
        self._usage_chunk: Body | None = None
        self._chunks: list[Chunk] = []
        self._end: UpstreamError | bool = False
        self._arrived = asyncio.Event()
        self._wanted = asyncio.Event()
        self._watch = Watch(idle_timeout_s=call.idle_timeout_s, deadline=call.deadline, expired=self._stop)
        self._task = asyncio.create_task(self._pump())

    async def read(self) -> list[Chunk]:
        while not self._chunks and not self._end:
            self._arrived.clear()
            with self._watch:
                await self._arrived.wait()
        if self._chunks:
            chunks, self._chunks = self._chunks, []
            self._wanted.set()
            return chunks
        await self.aclose()
        if isinstance(self._end, UpstreamError):
            raise self._end
        return []

    async def aclose(self) -> None:
        self._watch.stop()
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _pump(self) -> None:
        try:
            await self._drain()
            self._end = self._end or self._verdict()
        except Exception:  # noqa: BLE001 - LiteLLM raises whatever its many providers' code raises
            self._end = self._end or self._observed.failure or UpstreamBroken()
        finally:
            self._end = self._end or UpstreamCut()
            self._arrived.set()
            await self._wrapper.aclose()

    async def _drain(self) -> None:
        source = self._wrapper.completion_stream
        mend(source)
        async for item in source:
            body = body_of(item)
            if body is not None:
                self._put(body if is_as_sent(item) else self._without_usage(body))
            if len(self._chunks) >= _MOST_AHEAD:
                self._wanted.clear()
                await self._wanted.wait()

    def _put(self, body: Body) -> None:
        chunk = translated(body)
        self._finishes.note(chunk)
        self._chunks.append(chunk)
        self._arrived.set()

    def _without_usage(self, body: Body) -> Body:
        """Translated streams repeat and refine their usage; OpenAI's have it once, at the end."""
        usage = body.pop("usage", None)
        if usage:
            self._usage_chunk = {**body, "choices": [], "usage": usage}
        return body

    def _verdict(self) -> UpstreamError | bool:
        if not self._finishes.complete or not self._observed.is_whole:
            return UpstreamCut()
        if self._usage_chunk is not None and self._observed.reported_usage:
            usage = self._observed.openai_usage if self._observed.speaks_openai else self._usage_chunk["usage"]
            self._chunks.append(translated({**self._usage_chunk, "usage": usage}))
        return True

    def _stop(self, failure: UpstreamCut) -> None:
        self._end = self._end or failure
        self._arrived.set()
        self._task.cancel()
