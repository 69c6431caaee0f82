"""What the steps of an execution can come to, before the first of them runs."""

from collections.abc import Callable
from typing import Any

from gateway.ask import Ask
from gateway.composed.planned import Plan, Planned
from gateway.exchange import LEAST_OUTPUT
from gateway.routing import Candidate
from gateway.workflows import messages
from gateway.workflows.definition import Definition, Step
from gateway.workflows.naming import naming
from gateway.workflows.values import StandIn

_LITTLE = StandIn("x")
# Long enough for what a template says about an output to be little beside it.
_MUCH = StandIn("x" * 1001)


def planned(
    workflow: Definition, input: Any, *, model: str | None, candidates: Callable[[Ask], tuple[Candidate, ...]]
) -> Plan:
    """`input` as values.plain() makes it. Raises what `candidates` does, InvalidRequest (400)."""
    calls: list[Planned] = []
    earlier: list[str] = []
    for step in workflow.steps:
        with naming(step):
            ask = messages.ask_of(step, input, dict.fromkeys(earlier, _LITTLE), model=model)
            calls.append(_call(step, ask, candidates(ask), _heard(step, input, earlier)))
        earlier.append(step.name)
    return Plan(tuple(calls))


def _call(step: Step, ask: Ask, candidates: tuple[Candidate, ...], heard: tuple[int, ...]) -> Planned:
    return Planned(
        candidates=candidates,
        input_bound=ask.input_bound,
        most=step.max_tokens,
        least=min(LEAST_OUTPUT, step.max_tokens or LEAST_OUTPUT),
        hears=heard,
    )


def _heard(step: Step, input: Any, earlier: list[str]) -> tuple[int, ...]:
    """The places of the steps whose outputs it has, each as often as it has them."""
    little, heard = dict.fromkeys(earlier, _LITTLE), step.system.hears | step.prompt.hears
    least = messages.length(step, input, little) if heard else 0
    places: list[int] = []
    for place, name in enumerate(earlier):
        if name in heard:
            more = messages.length(step, input, {**little, name: _MUCH}) - least
            places += [place] * -(-more // (len(_MUCH) - len(_LITTLE)))
    return tuple(places)
