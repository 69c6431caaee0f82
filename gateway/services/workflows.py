"""How workflows and their steps are written; whoever has written all of one has it checked, in one transaction."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from gateway.models import Workflow, WorkflowStep
from gateway.workflows.prompts import prompt_of
from opscenter.core import audit, changes
from opscenter.core.errors import NotFound

MOST_STEPS = 20
Row = TypeVar("Row", bound=models.Model)


def store(*, row: Row, values: Mapping[str, Any]) -> Row:
    """Write `values` on top of what is stored now. Raises ValidationError, NotFound; check() is the caller's."""
    with audit.writing():
        fresh = row if row.pk is None else _locked(row)
        for name, value in values.items():
            setattr(fresh, name, value)
        changes.save(fresh)
    return fresh


def delete_step(*, step: WorkflowStep) -> None:
    changes.delete(step)


def delete(*, workflow: Workflow) -> None:
    """With its steps. What was executed stays among the requests, under its id."""
    with audit.writing():
        for step in workflow.steps.all():
            changes.delete(step)
        changes.delete(workflow)


def check(*, workflow: Workflow) -> None:
    """That its steps fit together. Raises ValidationError, a sentence for each complaint."""
    steps = list(workflow.steps.all())
    complaints = []
    if not steps:
        complaints.append("A workflow has at least one step.")
    if len(steps) > MOST_STEPS:
        complaints.append(f"A workflow has at most {MOST_STEPS} steps.")
    if len({step.position for step in steps}) < len(steps):
        complaints.append("Two steps have the same position: number them in the order in which they run.")
    earlier: list[str] = []
    for step in steps:
        for field, source in (("prompt", step.prompt), ("system", step.system)):
            found = prompt_of(source).complaints(earlier=earlier)
            complaints += [f"Step {step.name}, {field}: {complaint}" for complaint in found]
        earlier.append(step.name)
    if complaints:
        raise ValidationError(complaints)


def _locked(row: Row) -> Row:
    fresh = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
    if fresh is None:
        raise NotFound("This was deleted meanwhile.")
    return fresh
