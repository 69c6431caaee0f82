"""Runs a composition in a task of its own, ends its whole exactly once, and answers its client."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from django.http import HttpResponse

from gateway import headers, hold
from gateway.composed import endings
from gateway.composed.calls import Calls, speaker_of
from gateway.composed.outlet import Outlet
from gateway.composed.whole import Whole
from gateway.errors import ClientLeft
from gateway.once import answering
from gateway.runtime import Runtime
from gateway.stream import EventStream
from gateway.transports.base import Reply
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

Play = Callable[[Calls], Awaitable[Reply | None]]
"""Makes the inner calls; of an answer in one piece it returns what the speaker is given, of a stream nothing."""


async def respond(serving: Runtime, whole: Whole, play: Play) -> HttpResponse:
    """In one piece, once the settle has committed. Raises ServiceError."""
    task = serving.inflight.keep(_answered(serving, whole, play))
    try:
        said = await asyncio.shield(task)
    except asyncio.CancelledError:
        _leave(serving, whole, task)
        raise
    response = HttpResponse(said, content_type="application/json")
    headers.mark(response, whole)
    return response


async def respond_streaming(serving: Runtime, whole: Whole, play: Play) -> EventStream:
    """Raises ServiceError as long as nothing has been said."""
    outlet = Outlet()
    task = serving.inflight.keep(_said(serving, whole, play, outlet))
    try:
        first = await outlet.get()
    except asyncio.CancelledError:
        _leave(serving, whole, task, outlet)
        raise
    if first is None:
        await task
    begun: list[bool] = []
    events = _events(serving, whole, task, outlet, first or b"", begun)
    response = EventStream(events, lambda: None if begun else _leave(serving, whole, task, outlet))
    headers.mark(response, whole)
    return response


async def _answered(serving: Runtime, whole: Whole, play: Play) -> bytes:
    """Said before the settle, as what it will charge: what fails of ours is free."""
    async with _ended_on_failure(serving, whole):
        reply = await play(Calls(serving, whole))
        assert reply is not None, "an answer in one piece is a reply"
        ending = endings.answered(whole)
        whole.charged_nano = min(ending.cost, whole.held.amount if whole.held else 0)
        said = whole.speaker().plain(reply)
    await answering.end(serving, whole, ending, bytes)
    return said


async def _said(serving: Runtime, whole: Whole, play: Play, outlet: Outlet) -> None:
    try:
        async with _ended_on_failure(serving, whole):
            await play(Calls(serving, whole, outlet))
        speaker = speaker_of(whole)
        await answering.end(serving, whole, endings.answered(whole), speaker.closing)
        await outlet.put(speaker.closing())
    except ServiceError as error:
        if not whole.sending:
            raise
        await outlet.put(speaker_of(whole).broken_off(error))
    except Exception:
        log.exception("a composed stream failed", extra={"request_id": whole.id})
        if not whole.sending:
            raise
        told = ServiceError("Something went wrong here. The request id names this failure.")
        await outlet.put(speaker_of(whole).broken_off(told))
    finally:
        await outlet.end()


@asynccontextmanager
async def _ended_on_failure(serving: Runtime, whole: Whole) -> AsyncIterator[None]:
    """Ends the whole if its composition fails, whatever it fails of."""
    try:
        yield
    except ClientLeft:
        # Whoever was waiting when a stop began has not left.
        ended = endings.stopped(whole) if serving.inflight.stopping else endings.abandoned(whole)
        await hold.end(serving, whole, ended)
        raise
    except ServiceError as error:
        await hold.end(serving, whole, endings.broken_off(whole, error))
        raise
    except asyncio.CancelledError:
        ended = endings.stopped(whole) if serving.inflight.stopping else endings.abandoned(whole)
        await hold.end(serving, whole, ended)
        raise
    except Exception:
        await hold.end(serving, whole, endings.failed(whole, ServiceError("A fault of the gateway.")))
        raise


async def _events(
    serving: Runtime,
    whole: Whole,
    task: "asyncio.Task[None]",
    outlet: Outlet,
    part: bytes | None,
    begun: list[bool],
) -> AsyncGenerator[bytes]:
    begun.append(True)
    with serving.inflight.streaming():
        try:
            while part is not None:
                yield part
                part = await outlet.get()
        finally:
            _leave(serving, whole, task, outlet)


def _leave(serving: Runtime, whole: Whole, task: "asyncio.Task[Any]", outlet: Outlet | None = None) -> None:
    """Nobody listens any more: what has not ended goes on alone, as long as DRAIN_S allows."""
    if outlet is not None:
        outlet.close()
    if not task.done() and not whole.ended:
        whole.leave()
        serving.inflight.finish_detached(task)
