"""A plan in words: which deployments were considered, in what order, why each was kept or dropped."""

from collections.abc import Mapping
from typing import Any

from credits.amounts import to_text
from gateway.callers import Caller
from gateway.routing.measured import Seen
from gateway.routing.plan import Plan
from gateway.routing.strategies import Job, Look, Ranked

_MOST_DROPPED = 200
_STATES = {
    "open": "It has been failing, and is passed over until it is tried again.",
    "half-open": "It has been failing; one call probes it, others pass it over.",
}


def explained(
    plan: Plan, *, caller: Caller, model: str | None, purpose: str, job: Job, look: Look, breakers: Mapping[str, str]
) -> dict[str, Any]:
    """`breakers` are the states of those that have failed. The order of a draw is that of this explanation alone."""
    told = [_candidate(plan, ranked, job, look, breakers) for ranked in plan.ordered]
    return {
        "object": "routing.explanation",
        "model": model or "auto",
        "purpose": purpose,
        "tier": caller.tier,
        "power_level": caller.power_level,
        "strategy": plan.strategy,
        "kept_count": plan.kept,
        "candidates": [{"rank": rank, **one} for rank, one in enumerate(told, start=1)],
        "dropped": [dropped.told() for dropped in plan.dropped[:_MOST_DROPPED]],
        "dropped_count": len(plan.dropped),
        "error": plan.refusal.body()["error"] if plan.refusal else None,
    }


def _candidate(plan: Plan, ranked: Ranked, job: Job, look: Look, breakers: Mapping[str, str]) -> dict[str, Any]:
    target, rates = ranked.candidate.target, ranked.candidate.rates
    state = breakers.get(target.key, "closed")
    nano = job.cost_nano(rates)
    return {
        "deployment": target.key,
        "model": target.model_name,
        "provider": target.provider,
        "reason": ranked.reason,
        "priority": target.priority,
        "weight": target.weight,
        "is_fallback": target.key in plan.behind,
        "is_unhealthy": target.is_down,
        "breaker": state,
        "passed_over": _STATES.get(state),
        "tier": target.tier,
        "privacy": target.privacy,
        "latency": target.latency_class,
        "quality_score": None if target.quality_score is None else float(target.quality_score),
        "estimated_cost_credits": to_text(nano),
        "measured": _measured(look(target.key)),
    }


def _measured(seen: Seen) -> dict[str, Any]:
    return {
        "in_flight": seen.in_flight,
        "first_byte_ms": None if seen.first_byte_s is None else round(seen.first_byte_s * 1000, 1),
        "ms_per_token": None if seen.per_token_s is None else round(seen.per_token_s * 1000, 3),
        "answered_share": round(seen.success, 3),
    }
