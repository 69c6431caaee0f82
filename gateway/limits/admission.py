"""Takes a call through its limits: those of key and user before the hold, a deployment's when it is to be asked.

All of a caller's limits are taken in one step, so that a call which one of them refuses uses up none. What a call has
no use for any more is given back at its end, which is hold.end's, however it ends.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway import records
from gateway.errors import RateLimited
from gateway.exchange import Exchange
from gateway.limits.claims import Claim, Kind, Take
from gateway.limits.headers import rate_headers
from gateway.limits.limiter import Lease, Refusal
from gateway.routing import Candidate
from opscenter.core.limits import Limits

if TYPE_CHECKING:
    from gateway.runtime import Runtime

LEAST_OUTPUT = 1024
"""Tokens of output that a call which names no maximum waits for, rather than be answered with less."""


@asynccontextmanager
async def admitted(serving: "Runtime", exchange: Exchange, tier: Limits) -> AsyncIterator[None]:
    """Inside, the call counts against the limits of its key and user; `tier` has those that the user hasn't.

    Whoever leaves with an error ends the call here. Raises RateLimited (429): the call is recorded as refused.
    """
    claims = _claims_of_caller(exchange, tier)
    if claims:
        taken = await serving.limits.take(Take(exchange.id.hex, claims))
        if isinstance(taken, Refusal):
            error = _refused(taken, exchange)
            serving.recorder.put_refused(records.refused(exchange, error))
            raise error
        exchange.lease = taken
        exchange.output_limit = _output_within(exchange, taken, exchange.candidates)
    try:
        yield
    except BaseException:
        ended(serving, exchange, tokens=0)
        raise


async def refusal_of(serving: "Runtime", exchange: Exchange, tier: Limits) -> RateLimited | None:
    """What would keep the call out if it were made now; it isn't counted."""
    claims = _claims_of_caller(exchange, tier)
    refusal = await serving.limits.look(Take(exchange.id.hex, claims)) if claims else None
    return None if refusal is None else _refused(refusal, exchange)


async def at_deployment(serving: "Runtime", exchange: Exchange, candidate: Candidate) -> Lease | Refusal | None:
    """What `candidate` has left for one attempt; None where it has no limits."""
    limits = candidate.target.limits
    if not limits:
        return None
    claims = _claims(f"deployment:{candidate.target.key}", limits, exchange, (candidate,))
    return await serving.limits.take(Take(f"{exchange.id.hex}:{len(exchange.attempts)}", claims))


def output_of_attempt(exchange: Exchange, candidate: Candidate, lease: Lease | None) -> int | None:
    """The most tokens that each choice may have by what the deployment has left; None: as many as it likes."""
    return _output_within(exchange, lease, (candidate,)) if lease else None


def attempt_failed(serving: "Runtime", lease: Lease | None) -> None:
    """Another deployment is asked; this one was of no use."""
    if lease is not None:
        serving.limits.give_back(lease, 0)


def ended(serving: "Runtime", exchange: Exchange, *, tokens: int) -> None:
    """The call is over and used so many tokens, of its caller's and of the deployment that answered."""
    if exchange.lease is not None:
        serving.limits.give_back(exchange.lease, tokens)
    if exchange.attempts and (lease := exchange.answering.lease) is not None:
        serving.limits.give_back(lease, tokens)


def _claims_of_caller(exchange: Exchange, tier: Limits) -> tuple[Claim, ...]:
    caller = exchange.caller
    own = caller.user_limits.or_else(tier)
    if not own and not caller.limits and not caller.limits_above:
        return ()
    owners = [(f"key:{caller.key_id}", caller.limits)]
    owners += ((f"key:{key_id}", limits) for key_id, limits in caller.limits_above)
    owners.append((f"user:{caller.user_id}", own))
    return tuple(claim for owner, limits in owners for claim in _claims(owner, limits, exchange, exchange.candidates))


def _claims(owner: str, limits: Limits, exchange: Exchange, candidates: Sequence[Candidate]) -> tuple[Claim, ...]:
    claims = []
    if limits.rpm is not None:
        claims.append(Claim(Kind.RPM, f"{owner}:rpm", limits.rpm))
    if limits.tpm is not None:
        most = exchange.most_tokens(candidates)
        # What the client asked for in so many words is served whole or not at all.
        least = most if exchange.ask.max_tokens else exchange.most_tokens(candidates, LEAST_OUTPUT)
        claims.append(Claim(Kind.TPM, f"{owner}:tpm", limits.tpm, least, most))
    if limits.concurrency is not None:
        claims.append(Claim(Kind.CONCURRENCY, f"{owner}:concurrency", limits.concurrency))
    return tuple(claims)


def _output_within(exchange: Exchange, lease: Lease, candidates: Sequence[Candidate]) -> int | None:
    """What the granted tokens leave for output; a call that is larger than the limit by itself keeps its least."""
    claim = next((claim for claim in lease.take.claims if claim.kind is Kind.TPM), None)
    if claim is None or lease.tokens >= claim.most:
        return None
    least = exchange.ask.max_tokens or LEAST_OUTPUT
    return max(least, exchange.output_within(candidates, lease.tokens))


_OWNERS = {"key": "This key", "parent_key": "The parent of this key", "user": "Your user"}
_MEANINGS = {
    Kind.RPM: "{owner} may make {limit} requests a minute",
    Kind.TPM: "{owner} may use {limit} tokens a minute, and this call can use more than are left of them",
    Kind.CONCURRENCY: "{owner} may have {limit} calls at the same time",
}


def _refused(refusal: Refusal, exchange: Exchange) -> RateLimited:
    claim, wait_s = refusal.claim, refusal.retry_after_s
    owner, owner_id, _ = claim.key.split(":")
    if owner == "key" and owner_id != str(exchange.caller.key_id):
        owner = "parent_key"
    meaning = _MEANINGS[claim.kind].format(owner=_OWNERS[owner], limit=claim.limit)
    return RateLimited(
        f"{meaning}. Try again in {wait_s} s.",
        details={"limit_source": owner, "limit": claim.kind.name.lower(), "value": claim.limit},
        headers={"Retry-After": str(wait_s), **rate_headers(refusal.take, refusal.outcome)},
    )
