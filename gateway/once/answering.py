"""The way of a call with an Idempotency-Key: claimed, made unless it was, and its answer kept before it is charged."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway import endings, headers, hold
from gateway.endings import Ending
from gateway.errors import CallInProgress
from gateway.exchange import Exchange
from gateway.once.claim import Claim
from gateway.once.stored import Answer, Wanted
from gateway.runtime import Runtime
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

REPLAYED = "Idempotent-Replayed"
_RELEASE_PATIENCE_S = 2.0

Go = Callable[[Claim], Awaitable[HttpResponseBase]]


async def answered(serving: Runtime, wanted: Wanted, go: Go) -> HttpResponseBase:
    """What `go` answers, or what was answered before. Raises what `go` does, KeyReused, CallInProgress, AnswerLost."""
    found = await serving.answers.claim(wanted)
    if isinstance(found, Answer):
        return _replayed(found)
    try:
        return await go(found)
    except BaseException as error:
        if not found.is_held:
            releasing = serving.answers.release(found)
            if isinstance(error, ServiceError):
                await asyncio.wait((releasing,), timeout=_RELEASE_PATIENCE_S)
        raise


async def confirm(serving: Runtime, exchange: Exchange) -> None:
    """The hold is there, from now on the sign that this call lives. Raises CallInProgress (409) if it comes so late
    that another may have been let in.
    """
    claim = exchange.claim
    if claim is None:
        return
    claim.is_held = True
    if claim.is_late:
        error = CallInProgress()
        await hold.end(serving, exchange, endings.refused(exchange, error))
        raise error


async def end(serving: Runtime, exchange: Exchange, ending: Ending, say: Callable[[], bytes]) -> None:
    """Settle a call that was answered; first keep what it has said and `say` adds, where it has a claim.

    Goes on by itself if the waiter is cancelled, as hold.end() does.
    """
    if exchange.claim is None:
        await hold.end(serving, exchange, ending)
        return
    exchange.ended = True
    await asyncio.shield(serving.inflight.keep(_kept(serving, exchange, exchange.claim, ending, say)))


async def _kept(serving: Runtime, exchange: Exchange, claim: Claim, ending: Ending, say: Callable[[], bytes]) -> None:
    # As the ledger will have it, unless the sweep is faster, which charges no more.
    exchange.charged_nano = min(ending.cost, exchange.held.amount if exchange.held else 0)
    try:
        say()
        await _keep(serving, exchange, claim)
    except Exception:
        log.exception("an answer is not kept for its Idempotency-Key", extra={"request_id": exchange.id})
    finally:
        await hold.end(serving, exchange, ending)


async def _keep(serving: Runtime, exchange: Exchange, claim: Claim) -> None:
    said = claim.said
    if said is None:
        log.warning("an answer is too long to be kept", extra={"request_id": exchange.id})
        return
    content_type = "text/event-stream" if exchange.ask.stream else "application/json"
    told = headers.of(exchange) | {"x-request-id": str(exchange.id)}
    await serving.answers.keep(claim, Answer(told, content_type, said))


def _replayed(answer: Answer) -> HttpResponse:
    """Under the id of the call that was made: there is no other."""
    response = HttpResponse(answer.body, content_type=answer.content_type, headers=answer.headers)
    response[REPLAYED] = "true"
    return response
