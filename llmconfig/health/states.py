"""How a state follows from results, without flapping: pure values, no rows."""

from dataclasses import dataclass

from llmconfig.models.health import Status

_BADNESS = {Status.HEALTHY.value: 0, Status.DEGRADED.value: 1, Status.UNHEALTHY.value: 2}


@dataclass(frozen=True, slots=True)
class State:
    """The last `streak` results were all better than `status`, or all worse; `pending` is the nearest of them."""

    status: str
    pending: str = ""
    streak: int = 0


def judged(state: State, result: str, *, needed: int) -> State:
    """The state after one more `result`.

    It changes once `needed` results in a row lie on the same side of it, to the one of them that is nearest: of
    unhealthy and degraded, healthy becomes degraded. From unknown, and to unknown, one result suffices.
    """
    if result == state.status:
        return State(result)
    if Status.UNKNOWN in (result, state.status):
        return State(result)
    pending, streak = result, 1
    if state.pending and _is_worse(state.pending, state.status) == _is_worse(result, state.status):
        pending, streak = _nearest(state.status, state.pending, result), state.streak + 1
    return State(pending) if streak >= needed else State(state.status, pending, streak)


def _is_worse(result: str, status: str) -> bool:
    return _BADNESS[result] > _BADNESS[status]


def _nearest(status: str, *results: str) -> str:
    return min(results, key=lambda result: abs(_BADNESS[result] - _BADNESS[status]))
