"""How a state follows from results."""

import pytest

from llmconfig.health.states import State, judged

GOOD, WEAK, BAD, UNKNOWN = "healthy", "degraded", "unhealthy", "unknown"


def after(status: str, *results: str) -> list[str]:
    """The state after each result, where two confirm a change."""
    state, seen = State(status), []
    for result in results:
        state = judged(state, result, needed=2)
        seen.append(state.status)
    return seen


@pytest.mark.parametrize(
    ("status", "results", "states"),
    [
        (GOOD, (BAD, BAD), [GOOD, BAD]),
        (BAD, (GOOD, GOOD), [BAD, GOOD]),
        (GOOD, (BAD, GOOD, BAD, GOOD, BAD), [GOOD] * 5),
        (GOOD, (BAD, WEAK), [GOOD, WEAK]),
        (GOOD, (WEAK, BAD), [GOOD, WEAK]),
        (GOOD, (WEAK, BAD, BAD, BAD), [GOOD, WEAK, WEAK, BAD]),
        (BAD, (GOOD, WEAK, GOOD, GOOD), [BAD, WEAK, WEAK, GOOD]),
        (WEAK, (GOOD, BAD, GOOD, BAD), [WEAK] * 4),
        (UNKNOWN, (BAD, GOOD, GOOD), [BAD, BAD, GOOD]),
        (GOOD, (UNKNOWN, GOOD), [UNKNOWN, GOOD]),
    ],
)
def test_a_state_changes_by_results_in_a_row_to_the_nearest_of_them(
    status: str, results: tuple[str, ...], states: list[str]
) -> None:
    assert after(status, *results) == states


def test_one_result_suffices_where_no_confirmation_is_wanted() -> None:
    assert judged(State(GOOD), BAD, needed=1) == State(BAD)
