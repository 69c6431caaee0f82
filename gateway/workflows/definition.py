"""Workflows as they are executed: frozen, compiled, part of the gateway's snapshot."""

import logging
from dataclasses import dataclass

from credits.amounts import to_nano
from gateway.models import Workflow, WorkflowStep
from gateway.workflows.prompts import Prompt, PromptInvalid, prompt_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """`model` None leaves it to the caller."""

    name: str
    model: str | None
    system: Prompt
    prompt: Prompt
    max_tokens: int | None
    temperature: float | None
    is_json: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """An active workflow; `tier` is the lowest that may execute it."""

    id: str
    name: str
    description: str
    tier: str
    max_cost_nano: int | None
    timeout_s: int | None
    steps: tuple[Step, ...]


def load() -> dict[str, Definition]:
    """Those that can be executed, by their ids: two queries. One that can't be is left out, and told of."""
    found = {}
    for row in Workflow.objects.filter(is_active=True).prefetch_related("steps"):
        try:
            made = definition_of(row)
        except PromptInvalid as error:
            log.error("the workflow %s can't be executed: %s", row, error)
            continue
        if made.steps:
            found[made.id] = made
    return found


def definition_of(row: Workflow) -> Definition:
    """With its steps as they are stored. Raises PromptInvalid."""
    return Definition(
        id=row.workflow_id,
        name=row.name,
        description=row.description,
        tier=row.tier,
        max_cost_nano=None if row.max_credits is None else to_nano(row.max_credits),
        timeout_s=row.timeout_s,
        steps=tuple(_step(step) for step in row.steps.all()),
    )


def _step(row: WorkflowStep) -> Step:
    return Step(
        name=row.name,
        model=row.model if row.model not in ("", "auto") else None,
        system=prompt_of(row.system),
        prompt=prompt_of(row.prompt),
        max_tokens=row.max_tokens,
        temperature=None if row.temperature is None else float(row.temperature),
        is_json=row.json_output,
    )
