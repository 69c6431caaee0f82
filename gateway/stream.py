"""Answers a call as server-sent events: chunks as they come, then settle, then what closes the stream."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

from django.http import StreamingHttpResponse

from gateway import dispatch, endings, headers, hold
from gateway.endpoints.base import StreamSpeaker
from gateway.exchange import Exchange
from gateway.once import answering
from gateway.runtime import Runtime
from gateway.transports.base import UpstreamStream
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamEnded, UpstreamError, UpstreamUnread
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

Opened = tuple[UpstreamStream, list[Chunk]]


class EventStream(StreamingHttpResponse):
    """Server-sent events. Whoever sends them calls release() at the end, also when the sending never began: a client
    that left before the first byte leaves a call that has to be ended all the same.
    """

    def __init__(self, events: AsyncGenerator[bytes], release: Callable[[], None]) -> None:
        self.events, self.release = events, release
        super().__init__(events, content_type="text/event-stream")
        self["Cache-Control"] = "no-cache"
        self["X-Accel-Buffering"] = "no"


async def respond(serving: Runtime, exchange: Exchange) -> EventStream:
    """Raises ServiceError as long as no byte has been sent."""
    task = serving.inflight.keep(_open(serving, exchange))
    try:
        upstream, first = await asyncio.shield(task)
    except asyncio.CancelledError:
        _leave(serving, exchange, task)
        raise
    events = _events(serving, exchange, upstream, first)
    response = EventStream(events, partial(_release, serving, exchange, upstream, first))
    headers.mark(response, exchange)
    return response


def _release(serving: Runtime, exchange: Exchange, upstream: UpstreamStream, first: list[Chunk]) -> None:
    if not exchange.sending and not exchange.ended:
        _go_on_alone(serving, exchange, _drain(serving, exchange, upstream, first))


def _go_on_alone(serving: Runtime, exchange: Exchange, work: Coroutine[Any, Any, None]) -> None:
    exchange.client_left = True
    serving.inflight.finish_detached(serving.inflight.keep(work))


async def _open(serving: Runtime, exchange: Exchange) -> Opened:
    async with hold.ended_on_failure(serving, exchange):
        opened = await dispatch.open_stream(serving, exchange)
    exchange.first_token_at = time.monotonic()
    if exchange.client_left:
        await _drain(serving, exchange, *opened)
    return opened


def _leave(serving: Runtime, exchange: Exchange, opening: "asyncio.Task[Opened]") -> None:
    """The client went away before its stream was there: `opening` goes on alone, or what it has just opened does."""
    if not opening.done():
        exchange.client_left = True
        serving.inflight.finish_detached(opening)
    elif not opening.cancelled() and opening.exception() is None:
        _go_on_alone(serving, exchange, _drain(serving, exchange, *opening.result()))


async def _events(
    serving: Runtime, exchange: Exchange, upstream: UpstreamStream, chunks: list[Chunk]
) -> AsyncGenerator[bytes]:
    speaker = _speaker(exchange)
    exchange.sending = True
    with serving.inflight.streaming():
        try:
            while chunks:
                for chunk in chunks:
                    exchange.meter.chunk(chunk)
                if data := speaker.forward(chunks):
                    yield data
                chunks = await upstream.read()
            serving.breaker.succeeded(exchange.answering.candidate.target.key)
            await answering.end(serving, exchange, endings.answered(exchange), speaker.closing)
            yield speaker.closing()
        except UpstreamError as error:
            yield speaker.broken_off(await _break_off(serving, exchange, error))
        except Exception:
            log.exception("a stream failed", extra={"request_id": exchange.id})
            yield speaker.broken_off(await _own_fault(serving, exchange))
        finally:
            if exchange.ended:
                await upstream.aclose()
            else:
                # Only a client that went away, or a shutdown, ends this generator early.
                _go_on_alone(serving, exchange, _drain(serving, exchange, upstream))


def _speaker(exchange: Exchange) -> StreamSpeaker:
    speaker = exchange.speaker()
    assert isinstance(speaker, StreamSpeaker), "streams are asked for at endpoints that have them"
    return speaker


async def _break_off(serving: Runtime, exchange: Exchange, error: UpstreamError) -> ServiceError:
    """Ends the call; returns what the client is told."""
    dispatch.failed(serving, exchange, exchange.answering, error)
    told = dispatch.for_client(error)
    await hold.end(serving, exchange, ending_of(exchange, error))
    return told


def ending_of(exchange: Exchange, error: UpstreamError) -> endings.Ending:
    """How a stream ends that has begun and that `error` broke off."""
    if isinstance(error, UpstreamUnread):
        exchange.client_left = True
    told = dispatch.for_client(error)
    if isinstance(error, UpstreamEnded) and exchange.meter.has_output:
        return endings.cut_short(exchange, told)
    return endings.upstream_failed(exchange, told, begun=True)


async def _own_fault(serving: Runtime, exchange: Exchange) -> ServiceError:
    """A bug of ours is as free to the consumer as an upstream's fault, and told in the same way."""
    told = ServiceError("Something went wrong here. The request id names this failure.")
    if not exchange.ended:
        await hold.end(serving, exchange, endings.upstream_failed(exchange, told, begun=True))
    return told


async def _drain(
    serving: Runtime, exchange: Exchange, upstream: UpstreamStream, chunks: list[Chunk] | None = None
) -> None:
    """Read on without a client, so that the bill rests on what the provider reports; cancelled after DRAIN_S.

    Who may ask again under the same Idempotency-Key finds there what would have been said.
    """
    speaker = _speaker(exchange) if exchange.claim is not None else None
    async with hold.ended_on_failure(serving, exchange), aclosing(upstream):
        try:
            while chunks := chunks or await upstream.read():
                for chunk in chunks:
                    exchange.meter.chunk(chunk)
                if speaker is not None:
                    speaker.forward(chunks)
                chunks = None
        except UpstreamError as error:
            dispatch.failed(serving, exchange, exchange.answering, error)
            await hold.end(serving, exchange, ending_of(exchange, error))
            return
    serving.breaker.succeeded(exchange.answering.candidate.target.key)
    await answering.end(serving, exchange, endings.answered(exchange), speaker.closing if speaker else bytes)
