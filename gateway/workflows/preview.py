"""What an execution would be held for at most, tier by tier, for operators who write a workflow."""

from collections.abc import Iterator

from django.conf import settings

from credits.amounts import to_text
from gateway import routing
from gateway.ask import Ask
from gateway.callers import Caller
from gateway.routing import Candidate
from gateway.routing.strategies import Job
from gateway.snapshot import Snapshot
from gateway.workflows.definition import Definition
from gateway.workflows.planning import planned
from gateway.workflows.values import StandIn
from llmconfig.models import Purpose
from opscenter.core.errors import ServiceError
from opscenter.core.limits import NO_LIMITS
from opscenter.core.tiers import Tier

INPUT_CHARACTERS = 4_000
POWER_LEVEL = "precision"


def most_by_tier(snapshot: Snapshot, workflow: Definition) -> Iterator[tuple[str, str]]:
    """For each tier that may execute it, the credits, or why it can't be."""
    for tier in Tier:
        if tier.rank >= Tier(workflow.tier).rank:
            yield tier.label, _most(snapshot, workflow, _somebody(tier))


def _most(snapshot: Snapshot, workflow: Definition, caller: Caller) -> str:
    def find(ask: Ask) -> tuple[Candidate, ...]:
        return routing.candidates(
            snapshot,
            caller,
            model=ask.model,
            purpose=Purpose.CHAT.value,
            credits_per_usd=settings.CREDITS_PER_USD,
            job=Job.of(ask),
        )

    try:
        plan = planned(workflow, StandIn("x" * INPUT_CHARACTERS), model=None, candidates=find)
    except ServiceError as error:
        return error.message
    most, least, budget = plan.cost(), plan.cost(0), workflow.max_cost_nano
    if budget is None or most <= budget:
        return to_text(most)
    if least > budget:
        return f"refused: {to_text(least)} at the least, above its max credits"
    return f"{to_text(budget)}, its max credits ({to_text(most)} without)"


def _somebody(tier: Tier) -> Caller:
    return Caller(
        key_id=0,
        user_id=0,
        account_id=0,
        tier=tier.value,
        power_level=POWER_LEVEL,
        environment="",
        component="",
        permissions=frozenset(),
        allowed_models=None,
        allowed_purposes=None,
        budgets=(),
        expires_at=None,
        limits=NO_LIMITS,
        user_limits=NO_LIMITS,
    )
