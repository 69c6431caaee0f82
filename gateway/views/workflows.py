"""GET /v1/workflows and POST /v1/workflows/execute: those that the caller may execute, and executing them."""

from collections.abc import Coroutine
from typing import Any

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from credits.amounts import to_text
from gateway import runtime
from gateway.ask import Ask
from gateway.callers import Caller
from gateway.composed import responding
from gateway.exchange import Exchange
from gateway.routing import Candidate
from gateway.routing.wishes import Wishes
from gateway.runtime import Runtime
from gateway.views import bodies, headers
from gateway.views.base import InferenceView, caller_of
from gateway.views.endpoint import EndpointView
from gateway.workflows import reach
from gateway.workflows.definition import Definition
from gateway.workflows.execution import Execution, execution_of
from gateway.workflows.request import EXECUTE, WORKFLOW


class WorkflowsView(InferenceView):
    @extend_schema(
        operation_id="list_workflows",
        description="The workflows that the caller's key may execute.",
        responses=OpenApiTypes.OBJECT,
    )
    async def get(self, request: Request) -> JsonResponse:
        found = reach.executable(runtime.current().snapshots.current(), caller_of(request))
        return JsonResponse({"object": "list", "data": [_described(one) for one in found]})


class ExecuteView(EndpointView):
    endpoint = EXECUTE

    @extend_schema(
        operation_id="execute_workflow",
        description="Runs the steps of a workflow under one hold and one bill: `workflowId`, `input`, and `model` for "
        "the steps that leave it open. Answers with `result`, `steps` and `usage`.",
        parameters=headers.OF_CALLS,
        request=bodies.WORKFLOW,
        responses=OpenApiTypes.OBJECT,
    )
    async def post(self, request: Request) -> HttpResponseBase:
        return await self.answer(request)

    def exchange(
        self, serving: Runtime, caller: Caller, ask: Ask, wishes: Wishes, mode: str | None, **known: Any
    ) -> Exchange:
        snapshot = serving.snapshots.current()
        workflow = reach.find(snapshot, caller, ask.body[WORKFLOW])

        def find(step: Ask) -> tuple[Candidate, ...]:
            return self.candidates(snapshot, caller, step, wishes, serving.measured.seen)

        return execution_of(workflow, ask, find, caller=caller, endpoint=self.endpoint, **known)

    def respond(self, serving: Runtime, exchange: Exchange, mode: str | None) -> Coroutine[Any, Any, HttpResponseBase]:
        assert isinstance(exchange, Execution)
        return responding.respond(serving, exchange, exchange.play)


def _described(workflow: Definition) -> dict[str, Any]:
    return {
        "id": workflow.id,
        "object": "workflow",
        "name": workflow.name,
        "description": workflow.description,
        "steps": [step.name for step in workflow.steps],
        "max_credits": None if workflow.max_cost_nano is None else to_text(workflow.max_cost_nano),
    }
