"""Answers a call in one piece, sent only after its settle has committed."""

import asyncio

from django.http import HttpResponse

from gateway import dispatch, endings, headers, hold
from gateway.exchange import Exchange
from gateway.once import answering
from gateway.runtime import Runtime


async def respond(serving: Runtime, exchange: Exchange) -> HttpResponse:
    """Raises ServiceError. When the client goes away the call goes on without it, and is charged."""
    task = serving.inflight.keep(_answer(serving, exchange))
    try:
        said = await asyncio.shield(task)
    except asyncio.CancelledError:
        exchange.client_left = True
        serving.inflight.finish_detached(task)
        raise
    response = HttpResponse(said, content_type="application/json")
    headers.mark(response, exchange)
    return response


async def _answer(serving: Runtime, exchange: Exchange) -> bytes:
    """What the client is told. It is said before the settle: what fails of ours is as free as an upstream's fault."""
    async with hold.ended_on_failure(serving, exchange):
        reply = await dispatch.complete(serving, exchange)
        exchange.meter.reply(*exchange.answering.way.format.read(reply.body))
        said = exchange.speaker().plain(reply)
    serving.breaker.succeeded(exchange.answering.candidate.target.key)
    await answering.end(serving, exchange, endings.answered(exchange), bytes)
    return said
