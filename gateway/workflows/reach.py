"""Which workflows a caller may execute."""

from gateway.callers import Caller
from gateway.errors import WorkflowForbidden, WorkflowNotFound
from gateway.snapshot import Snapshot
from gateway.workflows.definition import Definition
from llmconfig.models import Purpose
from opscenter.core.tiers import Tier

_MOST_TOLD = 20


def executable(snapshot: Snapshot, caller: Caller) -> list[Definition]:
    """By their ids."""
    if caller.allowed_purposes is not None and Purpose.CHAT.value not in caller.allowed_purposes:
        return []
    return [
        one
        for _, one in sorted(snapshot.workflows.items())
        if _tier_reaches(caller, one) and all(step.model is None or caller.may_use(step.model) for step in one.steps)
    ]


def find(snapshot: Snapshot, caller: Caller, id: str) -> Definition:
    """Whether its models may be called is said where they are. Raises WorkflowNotFound, WorkflowForbidden."""
    found = snapshot.workflows.get(id)
    if found is None:
        there = ", ".join(f"`{one.id}`" for one in executable(snapshot, caller)[:_MOST_TOLD])
        raise WorkflowNotFound(id, there=there)
    if not _tier_reaches(caller, found):
        raise WorkflowForbidden(id, required=found.tier, tier=caller.tier)
    return found


def _tier_reaches(caller: Caller, workflow: Definition) -> bool:
    return Tier(workflow.tier).rank <= Tier(caller.tier).rank
