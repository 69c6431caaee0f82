"""One step after the other, each with what those before it said; to the caller and the ledger one call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from gateway.ask import Ask
from gateway.composed.calls import Calls
from gateway.composed.whole import Whole
from gateway.errors import InvalidRequest, UpstreamFailed, WorkflowTooDear
from gateway.routing import Candidate
from gateway.transports.base import Reply
from gateway.workflows import messages, outputs
from gateway.workflows.answer import ExecutionSpeaker
from gateway.workflows.definition import Definition, Step
from gateway.workflows.naming import naming
from gateway.workflows.planning import planned
from gateway.workflows.request import INPUT
from gateway.workflows.values import plain


@dataclass(slots=True, kw_only=True)
class Execution(Whole):
    """`input` as templates see it, and so is what each step has `said`."""

    workflow: Definition
    input: Any
    said: dict[str, Any] = field(default_factory=dict)

    def affordable_output(self, nano: int) -> int:
        """None: requests of this kind name no max_tokens."""
        return 0

    async def play(self, calls: Calls) -> Reply:
        """Raises ServiceError, which names the step that failed."""
        told = []
        for place, step in enumerate(self.workflow.steps):
            with naming(step):
                told.append(await self._run(calls, place, step))
        return Reply({"result": told[-1]["output"], "steps": told}, None)

    async def _run(self, calls: Calls, place: int, step: Step) -> dict[str, Any]:
        reply = await calls.complete(place, self._asked(step), self._tags_of(step))
        output = outputs.read(step, reply)
        self.said[step.name] = plain(output)
        return {"name": step.name, "output": output, "finish_reason": outputs.finish_of(reply)}

    def _asked(self, step: Step) -> Ask:
        """The input alone was seen to fit when the execution was planned; what a step said may not."""
        try:
            return messages.ask_of(step, self.input, self.said, model=self.ask.model)
        except InvalidRequest as error:
            if (error.param or "").startswith("input."):
                raise
            raise UpstreamFailed(
                f"What earlier steps said can't be worked on. {error.message}", code="step_output_invalid"
            ) from error

    def _tags_of(self, step: Step) -> dict[str, str]:
        """The steps' rows are told from the caller's own calls by the workflow, unless the caller tells them apart."""
        component = self.tags.get("component") or self.caller.component or self.workflow.id
        return {**self.tags, "component": component, "operation": step.name}


def execution_of(
    workflow: Definition,
    ask: Ask,
    candidates: Callable[[Ask], tuple[Candidate, ...]],
    *,
    max_cost_nano: int | None,
    **known: Any,
) -> Execution:
    """To be opened and played; `known` are the other fields of an Exchange.

    Raises what `candidates` does, InvalidRequest (400), WorkflowTooDear (402).
    """
    input = plain(ask.body[INPUT])
    plan = planned(workflow, input, model=ask.model, candidates=candidates)
    if workflow.max_cost_nano is not None and plan.cost(0) > workflow.max_cost_nano:
        raise WorkflowTooDear(workflow.id, required=plan.cost(0), budget=workflow.max_cost_nano)
    return Execution(
        plan=plan,
        speaks=ExecutionSpeaker,
        ask=ask,
        candidates=plan.candidates,
        max_cost_nano=_lesser(max_cost_nano, workflow.max_cost_nano),
        time_limit_s=None if workflow.timeout_s is None else min(workflow.timeout_s, settings.REQUEST_TIMEOUT_S),
        workflow=workflow,
        input=input,
        **known,
    )


def _lesser(one: int | None, other: int | None) -> int | None:
    return min((amount for amount in (one, other) if amount is not None), default=None)
