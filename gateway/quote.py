"""What a call would cost, at least and at most, and what would refuse it. Nobody is asked and nothing is held."""

import asyncio
from typing import Any

import msgspec

from credits.amounts import to_text
from credits.errors import LedgerUnavailable
from gateway import hold, standing
from gateway.exchange import Exchange
from gateway.limits import admission
from gateway.routing import Candidate
from gateway.runtime import Runtime
from gateway.usage_counts import Usage
from opscenter.core.errors import ServiceError
from opscenter.core.limits import Limits

_PATIENCE_S = 1.8


async def made(serving: Runtime, exchange: Exchange, tier: Limits) -> dict[str, Any]:
    """The quote of `exchange`, whose candidates its `max_cost` leaves. Raises LedgerUnavailable (503)."""
    refusals = [error for error in (await _ledgers(serving, exchange), await _limits(serving, exchange, tier)) if error]
    return _told(exchange, refusals)


def refused(exchange: Exchange, error: ServiceError) -> dict[str, Any]:
    """The quote of a call that no candidate is left for."""
    return _told(exchange, [error])


async def _ledgers(serving: Runtime, exchange: Exchange) -> ServiceError | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            found = await asyncio.to_thread(standing.read, exchange.caller, serving.clock())
    except TimeoutError as error:
        raise LedgerUnavailable from error
    refusal = found.refusal(minimum=exchange.least_nano(exchange.most_nano()))
    if refusal is None or (found.may_spend and exchange.may_be_free):
        return None
    return hold.refusal(exchange, refusal)


async def _limits(serving: Runtime, exchange: Exchange, tier: Limits) -> ServiceError | None:
    return await admission.refusal_of(serving, exchange, tier)


def _told(exchange: Exchange, refusals: list[ServiceError]) -> dict[str, Any]:
    ask, limit = exchange.ask, exchange.max_cost_nano
    prompt = exchange.counted_usage()
    candidates, most = exchange.candidates, exchange.most_nano()
    return {
        "object": "quote",
        "endpoint": exchange.endpoint.name,
        "model": ask.model or "auto",
        "tier": exchange.caller.tier,
        "power_level": exchange.caller.power_level,
        "least_credits": to_text(min(most, *(_least_nano(exchange, candidate, prompt) for candidate in candidates))),
        "most_credits": to_text(most),
        "max_cost": None if limit is None else to_text(limit),
        "tokens": {
            "prompt": prompt.prompt,
            "prompt_most": exchange.most_input(),
            "choices": ask.choices,
            "max_tokens": ask.max_tokens,
            "searches": ask.searches,
            "searches_most": ask.most_searches,
        },
        "candidates": [
            {"rank": rank, **_candidate(exchange, candidate, prompt)} for rank, candidate in enumerate(candidates, 1)
        ],
        "would_be_refused": bool(refusals),
        "refusals": [{"status": error.status, **error.body()["error"]} for error in refusals],
    }


def _candidate(exchange: Exchange, candidate: Candidate, prompt: Usage) -> dict[str, Any]:
    target = candidate.target
    return {
        "deployment": target.key,
        "model": target.model_name,
        "provider": target.provider,
        "least_credits": to_text(_least_nano(exchange, candidate, prompt)),
        "most_credits": to_text(exchange.most_at(candidate)),
        "output_tokens_most": exchange.longest_at(candidate),
        "rates": msgspec.json.decode(candidate.receipt),
    }


def _least_nano(exchange: Exchange, candidate: Candidate, prompt: Usage) -> int:
    """By our own count of the prompt, were all of it cached if that is cheaper, and one token for each choice.

    Never more than the most: a text of few bytes may be counted as more tokens than are held for.
    """
    tokens, output = prompt.prompt, exchange.ask.choices
    kinds = (
        Usage(tokens, 0, 0, output, exchange.ask.searches),
        Usage(0, tokens, 0, output, exchange.ask.searches),
        Usage(0, 0, tokens, output, exchange.ask.searches),
    )
    return min(*map(candidate.rates.cost_nano, kinds), exchange.most_at(candidate))
