"""What an execution is held for: each step's own text, and the outputs that its prompt has, as often as it has them."""

import pytest

from gateway.routing import Candidate
from gateway.workflows.definition import Definition, Step
from gateway.workflows.planning import planned
from gateway.workflows.prompts import prompt_of
from gateway.workflows.values import plain

_NOBODY: tuple[Candidate, ...] = ()
_ONE, _TWO = ("one", "{{ input }}"), ("two", "And {{ input }}")


def _workflow(*prompts: tuple[str, str], max_tokens: int | None = None) -> Definition:
    steps = [
        Step(name, None, prompt_of(""), prompt_of(prompt), max_tokens, None, is_json=False) for name, prompt in prompts
    ]
    return Definition("w", "w", "", "free", None, None, tuple(steps))


@pytest.mark.parametrize(
    ("prompt", "hears"),
    [
        ("{{ input }}", ()),
        ("{{ steps.one }}", (0,)),
        ("{{ steps.two }}, {{ steps.one }}", (0, 1)),
        ("{{ steps.one }}{{ steps.one }}", (0, 0)),
        ("{{ steps.one|truncatechars:300 }}", (0,)),
        ("{% for part in steps.one.parts %}{{ part.text }}{% endfor %}", (0,)),
        ("{% if steps.one %}Well.{% endif %}{{ input }}", ()),
        ("{% with all=steps.one %}{{ all|upper }}{% endwith %}", (0,)),
    ],
)
def test_a_step_hears_what_its_prompt_says(prompt: str, hears: tuple[int, ...]) -> None:
    plan = planned(_workflow(_ONE, _TWO, ("three", prompt)), "Fog", model=None, candidates=lambda ask: _NOBODY)

    assert plan.calls[2].hears == hears


def test_a_steps_own_text_is_bounded_by_its_bytes() -> None:
    workflow = _workflow(_ONE, _TWO)
    bounds = [
        [call.input_bound for call in planned(workflow, plain(input), model=None, candidates=lambda ask: _NOBODY).calls]
        for input in ("x" * 100, "é" * 100)
    ]

    assert [more - less for less, more in zip(*bounds, strict=True)] == [100, 100]


@pytest.mark.parametrize(("max_tokens", "least"), [(None, 256), (100, 100), (3000, 256)])
def test_answers_may_be_shortened_but_not_below_what_makes_sense(max_tokens: int | None, least: int) -> None:
    (call,) = planned(_workflow(_ONE, max_tokens=max_tokens), "Fog", model=None, candidates=lambda ask: _NOBODY).calls

    assert (call.most, call.least) == (max_tokens, least)
