"""Asks one candidate after the other until one answers, and again those that may have recovered; the client has seen
no byte until then.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from gateway import own_keys, retries, timing
from gateway.errors import NoProvider, UpstreamFailed, UpstreamOverloaded, UpstreamRejected, UpstreamTimedOut
from gateway.exchange import Attempt, Exchange
from gateway.limits import admission
from gateway.limits.limiter import Refusal
from gateway.routing import Candidate
from gateway.runtime import Runtime
from gateway.transports import errors as upstream
from gateway.transports.base import Call, Reply, Transport, UpstreamStream
from gateway.transports.chunk import Chunk
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

T = TypeVar("T")


async def complete(serving: Runtime, exchange: Exchange) -> Reply:
    """The first whole answer. Raises ServiceError."""
    return await _first(serving, exchange, lambda transport, call: transport.complete(call))


async def open_stream(serving: Runtime, exchange: Exchange) -> tuple[UpstreamStream, list[Chunk]]:
    """The first stream that has something to say, and what it said. Raises ServiceError."""
    return await _first(serving, exchange, _begin_stream)


async def _begin_stream(transport: Transport, call: Call) -> tuple[UpstreamStream, list[Chunk]]:
    stream = await transport.stream(call)
    try:
        return stream, await stream.read()
    except BaseException:
        await stream.aclose()
        raise


async def _first(serving: Runtime, exchange: Exchange, ask: Callable[[Transport, Call], Awaitable[T]]) -> T:
    failure: upstream.UpstreamError | None = None
    full: list[Refusal] = []
    candidates = exchange.candidates
    for tried in itertools.count(1):
        passing: list[tuple[Candidate, upstream.UpstreamError]] = []
        for others, candidate in zip(range(len(candidates) - 1, -1, -1), candidates, strict=True):
            if exchange.time_left_s <= 0:
                # Nobody is asked, and blamed, who could not answer in time any more.
                break
            attempt = await _attempt(serving, exchange, candidate, full)
            if attempt is None:
                continue
            try:
                return await _answer(serving, exchange, attempt, ask, others=others)
            except upstream.UpstreamError as error:
                failed(serving, exchange, attempt, error)
                if not error.fails_over:
                    raise _exhausted(serving, exchange, failure, full) from error
                admission.attempt_failed(serving, attempt.lease)
                failure = error
                if error.may_pass:
                    passing.append((candidate, error))
        pause = retries.pause_s(exchange, [error for _, error in passing], tried=tried)
        if pause is None or not await _outwaited(serving, exchange, pause):
            raise _exhausted(serving, exchange, failure, full)
        candidates = tuple(candidate for candidate, error in passing if (error.retry_after or 0.0) <= pause)
    raise AssertionError("unreachable")


async def _answer(
    serving: Runtime,
    exchange: Exchange,
    attempt: Attempt,
    ask: Callable[[Transport, Call], Awaitable[T]],
    *,
    others: int,
) -> T:
    """What this one candidate answers. Raises UpstreamError."""
    candidate, breaker = attempt.candidate, serving.breaker
    try:
        output_limit = admission.output_of_attempt(exchange, candidate, attempt.lease)
        call = exchange.call(attempt, others=others, output_limit=output_limit)
        answer = await ask(serving.transport(attempt.way.transport(candidate.target)), call)
    except upstream.UpstreamError:
        raise
    except asyncio.CancelledError:
        attempt.ended = time.monotonic()
        attempt.outcome = "cancelled"
        breaker.gave_up(candidate.target.key)
        raise
    except BaseException:
        breaker.gave_up(candidate.target.key)
        raise
    attempt.ended = time.monotonic()
    attempt.outcome = "answered"
    breaker.answered(candidate.target.key)
    return answer


async def _outwaited(serving: Runtime, exchange: Exchange, pause_s: float) -> bool:
    """Whether the answer is still wanted after it."""
    exchange.paused_s += pause_s
    await asyncio.sleep(pause_s)
    return not (exchange.client_left or serving.inflight.stopping)


async def _attempt(serving: Runtime, exchange: Exchange, candidate: Candidate, full: list[Refusal]) -> Attempt | None:
    """None where the breaker or its limits keep `candidate` from being asked; of the latter `full` is told.

    A limit that was reached is no failure.
    """
    key = candidate.target.key
    if not serving.breaker.admits(key):
        return None
    try:
        taken = await admission.at_deployment(serving, exchange, candidate)
    except BaseException:
        serving.breaker.gave_up(key)
        raise
    if isinstance(taken, Refusal):
        serving.breaker.gave_up(key)
        full.append(taken)
        return None
    attempt = exchange.attempt(candidate)
    attempt.lease = taken
    timing.began(serving.measured, attempt)
    return attempt


def failed(serving: Runtime, exchange: Exchange, attempt: Attempt, error: upstream.UpstreamError) -> None:
    """Note that `attempt` failed, for the breaker, the operator's log and the attempt's row."""
    attempt.ended = time.monotonic()
    attempt.outcome = type(error).__name__.removeprefix("Upstream").lower()
    attempt.error = error
    target = attempt.candidate.target
    says_nothing = upstream.UpstreamBadRequest | upstream.UpstreamModelMissing | upstream.UpstreamEnded
    failed_before = any(former.candidate.target.key == target.key for former in exchange.attempts[:-1])
    is_silent = isinstance(error, says_nothing) or _was_rushed(exchange, attempt, attempt.ended - attempt.began)
    timing.failed(serving.measured, attempt, is_targets_fault=not is_silent)
    if is_silent or failed_before:
        # However often it tries, a call is one witness against a target.
        serving.breaker.gave_up(target.key)
    else:
        serving.breaker.failed(target.key)
    # A refused platform key stops every caller: somebody has to act.
    is_platforms = target.owner_id is None
    level = logging.ERROR if is_platforms and isinstance(error, upstream.UpstreamRefusedKey) else logging.WARNING
    log.log(
        level,
        "%s at %s: %s (status %s)",
        attempt.outcome,
        target.key,
        error.message,
        error.status,
        extra={"request_id": exchange.id},
    )


def _was_rushed(exchange: Exchange, attempt: Attempt, waited_s: float) -> bool:
    """Whether an inner call was left less time by those before it than any other call gives: who doesn't answer in it
    has not failed everybody.
    """
    if exchange.part_of is None or not isinstance(attempt.error, upstream.UpstreamTimeout):
        return False
    usual_s: float = min(attempt.candidate.target.timeout_s, settings.REQUEST_TIMEOUT_S / len(exchange.candidates))
    return waited_s < usual_s


def _exhausted(
    serving: Runtime, exchange: Exchange, failure: upstream.UpstreamError | None, full: list[Refusal]
) -> ServiceError:
    """What the caller is told when nobody answered."""
    last = exchange.attempts[-1].error if exchange.attempts else None
    if isinstance(last, upstream.UpstreamBadRequest):
        return UpstreamRejected(last.message)
    if failure is None and full:
        return UpstreamOverloaded(
            "Every provider of this model is used as much as its limits allow. Try again shortly.",
            code="deployments_at_limit",
            headers={"Retry-After": str(min(refusal.retry_after_s for refusal in full))},
        )
    if failure is None:
        keys = [candidate.target.key for candidate in exchange.candidates]
        wait = serving.breaker.retry_after_s(keys)
        return own_keys.failing((candidate.target for candidate in exchange.candidates), wait) or NoProvider(
            "Every provider of this model is failing and is left alone for a moment. Try again shortly.",
            code="providers_unavailable",
            headers={"Retry-After": str(wait)},
        )
    return own_keys.refused(exchange.answering.candidate.target, failure) or for_client(failure)


def for_client(error: upstream.UpstreamError) -> ServiceError:
    """The upstream's fault, as the caller is told of it."""
    if isinstance(error, upstream.UpstreamRateLimited):
        wait = max(1, round(error.retry_after or 1))
        return UpstreamOverloaded(error.message, headers={"Retry-After": str(wait)})
    if isinstance(error, upstream.UpstreamTimeout):
        return UpstreamTimedOut(error.message)
    return UpstreamFailed(error.message)
