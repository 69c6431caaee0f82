"""Answers a call as server-sent events: chunks as they come, then settle, then usage with its cost and [DONE]."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from django.http import StreamingHttpResponse

from credits.amounts import to_text
from gateway import dispatch, endings, headers
from gateway.exchange import Exchange
from gateway.transports.base import Chunk, UpstreamStream
from gateway.transports.errors import UpstreamError
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

_DONE = b"data: [DONE]\n\n"


class EventStream(StreamingHttpResponse):
    """Server-sent events. Whoever sends them calls release() at the end, also when the sending never began."""

    def __init__(self, exchange: Exchange, upstream: UpstreamStream, first: list[Chunk]) -> None:
        self._exchange, self._upstream, self._first = exchange, upstream, first
        self.events = _events(exchange, upstream, first)
        super().__init__(self.events, content_type="text/event-stream")
        self["Cache-Control"] = "no-cache"
        self["X-Accel-Buffering"] = "no"

    def release(self) -> None:
        """A client that left before the first byte leaves a call that has to be ended all the same."""
        if not self._exchange.sending and not self._exchange.ended:
            _go_on_alone(self._exchange, _drain(self._exchange, self._upstream, self._first))


async def respond(exchange: Exchange) -> EventStream:
    """Raises ServiceError as long as no byte has been sent."""
    task = exchange.runtime.inflight.keep(_open(exchange))
    try:
        upstream, first = await asyncio.shield(task)
    except asyncio.CancelledError:
        _go_on_alone(exchange, _drain_when_open(exchange, task))
        raise
    response = EventStream(exchange, upstream, first)
    headers.mark(response, exchange)
    return response


def _go_on_alone(exchange: Exchange, work: Coroutine[Any, Any, None]) -> None:
    exchange.client_left = True
    exchange.runtime.inflight.finish_detached(exchange.runtime.inflight.keep(work))


async def _open(exchange: Exchange) -> tuple[UpstreamStream, list[Chunk]]:
    try:
        opened = await dispatch.open_stream(exchange)
    except ServiceError as error:
        await exchange.end(
            endings.upstream_failed(exchange, http_status=error.status, error_code=error.code or error.type)
        )
        raise
    except asyncio.CancelledError:
        await exchange.end(endings.abandoned(exchange))
        raise
    except Exception:
        # A bug of ours; without an end its heartbeats would keep the hold for ever.
        await exchange.end(endings.upstream_failed(exchange, http_status=500, error_code="internal_error"))
        raise
    exchange.first_token_at = time.monotonic()
    return opened


async def _events(exchange: Exchange, upstream: UpstreamStream, chunks: list[Chunk]) -> AsyncGenerator[bytes]:
    runtime = exchange.runtime
    rename = headers.Renaming.of(exchange)
    exchange.sending = True
    with runtime.inflight.streaming():
        try:
            while chunks:
                if data := _forward(exchange, rename, chunks):
                    yield data
                chunks = await upstream.read()
            runtime.breaker.succeeded(exchange.answering.candidate.target.key)
            await exchange.end(endings.answered(exchange))
            yield _closing(exchange)
        except UpstreamError as error:
            yield await _break_off(exchange, error)
        finally:
            if exchange.ended:
                await upstream.aclose()
            else:
                # Only a client that went away, or a shutdown, ends this generator early.
                _go_on_alone(exchange, _drain(exchange, upstream))


def _forward(exchange: Exchange, rename: headers.Renaming, chunks: list[Chunk]) -> bytes:
    """The chunks as the client gets them: the public model's name, no usage (it comes at the end, with its cost)."""
    events = []
    for body, raw in chunks:
        exchange.meter.chunk(body)
        if body.get("usage"):
            if not body.get("choices"):
                continue
            body = {name: value for name, value in body.items() if name != "usage"}
            raw = None
        events.append(b"data: %b\n\n" % rename.chunk(body, raw))
    return b"".join(events)


def _closing(exchange: Exchange) -> bytes:
    if not exchange.ask.include_usage:
        return _DONE
    usage: dict[str, Any] = dict(exchange.meter.reported or _counted(exchange))
    usage["cost_credits"] = to_text(exchange.charged_nano)
    body = {
        **exchange.meter.head,
        "object": "chat.completion.chunk",
        "model": exchange.answering.candidate.target.model_name,
        "choices": [],
        "usage": usage,
    }
    return b"data: %b\n\n%b" % (json.dumps(body, separators=(",", ":")).encode(), _DONE)


def _counted(exchange: Exchange) -> dict[str, int]:
    counts = exchange.counted_usage()
    return {
        "prompt_tokens": counts.uncached,
        "completion_tokens": counts.output,
        "total_tokens": counts.uncached + counts.output,
    }


async def _break_off(exchange: Exchange, error: UpstreamError) -> bytes:
    """An error event and no [DONE], so that nobody takes the stream for complete."""
    dispatch.failed(exchange, exchange.answering, error)
    told = dispatch.for_client(error)
    await exchange.end(endings.upstream_failed(exchange, http_status=200, error_code=told.code or told.type))
    return b"data: %b\n\n" % json.dumps(told.body()).encode()


async def _drain_when_open(exchange: Exchange, opening: "asyncio.Task[tuple[UpstreamStream, list[Chunk]]]") -> None:
    try:
        upstream, first = await opening
    except ServiceError:
        return
    except asyncio.CancelledError:
        opening.cancel()
        raise
    await _drain(exchange, upstream, first)


async def _drain(exchange: Exchange, upstream: UpstreamStream, chunks: list[Chunk] | None = None) -> None:
    """Read on without a client, so that the bill rests on what the provider reports; cancelled after DRAIN_S."""
    try:
        for chunk in chunks or ():
            exchange.meter.chunk(chunk.body)
        while chunks := await upstream.read():
            for chunk in chunks:
                exchange.meter.chunk(chunk.body)
    except UpstreamError as error:
        dispatch.failed(exchange, exchange.answering, error)
        ending = endings.upstream_failed(exchange, http_status=200, error_code="upstream_error")
    except asyncio.CancelledError:
        await exchange.end(endings.abandoned(exchange))
        raise
    except Exception:
        log.exception("a stream could not be read on", extra={"request_id": exchange.id})
        ending = endings.upstream_failed(exchange, http_status=500, error_code="internal_error")
    else:
        exchange.runtime.breaker.succeeded(exchange.answering.candidate.target.key)
        ending = endings.answered(exchange)
    finally:
        await upstream.aclose()
    await exchange.end(ending)
