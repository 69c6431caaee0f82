"""Workflows as operators write them."""

from typing import Any

from gateway.models import Workflow, WorkflowStep
from gateway.services import workflows

_OF_WORKFLOW = frozenset({"name", "description", "is_active", "tier", "max_credits", "timeout_s"})
_OF_STEP = frozenset({"model", "system", "max_tokens", "temperature", "json_output"})


def write(workflow_id: str, **given: Any) -> Workflow:
    """Steps by their names, each its prompt or a dict of its fields; what all of them share, and the workflow's own."""
    shared = {name: given.pop(name) for name in _OF_STEP & given.keys()}
    fields = {"workflow_id": workflow_id, "name": workflow_id}
    fields |= {name: given.pop(name) for name in _OF_WORKFLOW & given.keys()}
    workflow = workflows.store(row=Workflow(), values=fields)
    for position, (name, step) in enumerate(given.items(), start=1):
        of_step = step if isinstance(step, dict) else {"prompt": step}
        workflows.store(
            row=WorkflowStep(workflow=workflow), values={"position": position, "name": name, **shared, **of_step}
        )
    workflows.check(workflow=workflow)
    return workflow
