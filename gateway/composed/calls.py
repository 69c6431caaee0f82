"""The inner calls of a composition, one after the other, and what it says meanwhile."""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from gateway import dispatch, endings, hold, stream
from gateway.ask import Ask
from gateway.composed.outlet import Outlet
from gateway.composed.whole import Whole
from gateway.endpoints.base import Endpoint, StreamSpeaker
from gateway.endpoints.chat import CHAT
from gateway.exchange import Exchange
from gateway.runtime import Runtime
from gateway.transports.base import Reply, UpstreamStream
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamEnded, UpstreamError
from opscenter.core.errors import ServiceError

Hear = Callable[[list[Chunk]], Awaitable[None]]
Tags = dict[str, str]


class Calls:
    """Each is planned at a place of the whole's plan; places are not gone back to."""

    def __init__(self, serving: Runtime, whole: Whole, outlet: Outlet | None = None) -> None:
        self._serving, self._whole, self._outlet = serving, whole, outlet

    async def complete(
        self, place: int, ask: Ask, tags: Tags, *, endpoint: Endpoint = CHAT, time_limit_s: float | None = None
    ) -> Reply:
        """The whole answer. Raises ServiceError: BudgetExhausted (402), ClientLeft (499), what no upstream could do."""
        exchange = self._whole.part(place, ask, tags, endpoint=endpoint, time_limit_s=time_limit_s)
        async with hold.ended_on_failure(self._serving, exchange):
            reply = await dispatch.complete(self._serving, exchange)
            exchange.meter.reply(*exchange.answering.way.format.read(reply.body))
        self._serving.breaker.succeeded(exchange.answering.candidate.target.key)
        await hold.end(self._serving, exchange, endings.answered(exchange))
        return reply

    async def stream(self, place: int, ask: Ask, tags: Tags, hear: Hear, *, time_limit_s: float | None = None) -> None:
        """`hear` gets every chunk as it comes. Raises ServiceError likewise; what broke off was heard until then."""
        exchange = self._whole.part(place, ask, tags, endpoint=CHAT, time_limit_s=time_limit_s)
        async with hold.ended_on_failure(self._serving, exchange):
            upstream, first = await dispatch.open_stream(self._serving, exchange)
        exchange.first_token_at = time.monotonic()
        self._whole.first_token_at = self._whole.first_token_at or exchange.first_token_at
        if (told := await self._read(exchange, upstream, first, hear)) is not None:
            raise told
        self._serving.breaker.succeeded(exchange.answering.candidate.target.key)
        await hold.end(self._serving, exchange, endings.answered(exchange))

    async def say(self, chunks: list[Chunk]) -> None:
        """To the client of a stream, in the words of the whole's speaker."""
        assert self._outlet is not None, "only streams say something before their end"
        self._whole.sending = True
        await self._outlet.put(speaker_of(self._whole).forward(chunks))

    async def _read(
        self, exchange: Exchange, upstream: UpstreamStream, chunks: list[Chunk], hear: Hear
    ) -> ServiceError | None:
        """Returns what the client is told where it breaks off; the call has ended then."""
        async with hold.ended_on_failure(self._serving, exchange), aclosing(upstream):
            try:
                while chunks:
                    for chunk in chunks:
                        exchange.meter.chunk(chunk)
                    await hear(chunks)
                    chunks = await upstream.read()
            except UpstreamError as error:
                dispatch.failed(self._serving, exchange, exchange.answering, error)
                ending = stream.ending_of(exchange, error)
                self._whole.is_cut = isinstance(error, UpstreamEnded)
                await hold.end(self._serving, exchange, ending)
                return dispatch.for_client(error)
        return None


def speaker_of(whole: Whole) -> StreamSpeaker:
    speaker = whole.speaker()
    assert isinstance(speaker, StreamSpeaker), "streams are asked for at endpoints that have them"
    return speaker
