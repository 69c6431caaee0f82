"""Answers a call in one piece, sent only after its settle has committed."""

import asyncio

from django.http import HttpResponse

from gateway import dispatch, endings, headers
from gateway.exchange import Exchange
from gateway.transports.base import Reply
from opscenter.core.errors import ServiceError


async def respond(exchange: Exchange) -> HttpResponse:
    """Raises ServiceError. When the client goes away the call goes on without it, and is charged."""
    task = exchange.runtime.inflight.keep(_answer(exchange))
    try:
        reply = await asyncio.shield(task)
    except asyncio.CancelledError:
        exchange.client_left = True
        exchange.runtime.inflight.finish_detached(task)
        raise
    body = headers.with_public_model(exchange, reply)
    response = HttpResponse(body, content_type="application/json")
    headers.mark(response, exchange)
    return response


async def _answer(exchange: Exchange) -> Reply:
    try:
        reply = await dispatch.complete(exchange)
        exchange.meter.reply(reply.body)
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
    exchange.runtime.breaker.succeeded(exchange.answering.candidate.target.key)
    await exchange.end(endings.answered(exchange))
    return reply
