"""Each strategy's order, from what is known alone."""

import random
from collections import Counter

import pytest

from gateway.routing import Candidate
from gateway.routing.measured import Seen
from gateway.routing.strategies import (
    EXPLORED_SHARE,
    STRATEGIES,
    Look,
    cost_aware,
    least_busy,
    lowest_latency,
    quality,
    weighted,
)
from llmconfig.models import LLMModel
from tests.gateway.routing.made import BUSY, JOB, NOTHING_SEEN, looking, made, order, seen, unscored

pytestmark = pytest.mark.once


def firsts(strategy: str, *group: Candidate, look: Look = NOTHING_SEEN, times: int = 2000) -> Counter[str]:
    dice = random.Random(7)
    found: Counter[str] = Counter()
    for _ in range(times):
        found[STRATEGIES[strategy](group, look, JOB, dice.random)[0].candidate.target.key] += 1
    return found


def test_there_is_one_for_each_choice_of_the_catalog() -> None:
    assert set(STRATEGIES) == set(LLMModel.Strategy.values)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_nobody_is_lost_and_nobody_comes_twice(name: str) -> None:
    group = [made(key) for key in "abcde"]
    look = looking(a=seen(), b=seen(success=0.1), c=seen(calls=9, hanging=5))
    for dice in (0.0, 0.01, 0.5, 0.99):
        assert sorted(order(STRATEGIES[name], *group, look=look, dice=dice)) == list("abcde")


def test_weights_are_chances() -> None:
    found = firsts("weighted", made("a", weight=1), made("b", weight=3))

    # 1500 are expected, with a standard deviation of 19.
    assert 1400 < found["b"] < 1600
    assert order(weighted, made("a"), made("z", weight=0))[-1] == "z"


def test_the_least_busy_for_its_weight_comes_first() -> None:
    look = looking(a=seen(calls=4), b=seen(calls=1), c=seen(calls=5))

    assert order(least_busy, made("a"), made("b"), made("c"), look=look) == ["b", "a", "c"]
    assert order(least_busy, made("a"), made("b"), made("c", weight=6), look=look)[0] == "c"


def test_what_fails_at_once_is_not_taken_for_idle() -> None:
    assert order(least_busy, made("a"), made("b"), look=looking(a=seen(success=0.05), b=seen(calls=10))) == ["b", "a"]


def test_those_as_busy_are_drawn_by_weight() -> None:
    look = looking(a=seen(calls=1), b=seen(calls=3))
    found = firsts("least-busy", made("a"), made("b", weight=2), look=look)

    assert 1200 < found["b"] < 1460


def test_the_fastest_comes_first_and_the_unknown_behind() -> None:
    look = looking(a=seen(first_s=0.1, token_s=0.02), b=seen(first_s=1.0, token_s=0.001), c=seen(first_s=3))

    assert order(lowest_latency, made("a"), made("b"), made("c"), made("new"), look=look) == ["b", "a", "c", "new"]


def test_failures_cost_time_too() -> None:
    look = looking(a=seen(success=0.4), b=seen(first_s=0.9))

    assert order(lowest_latency, made("a"), made("b"), look=look) == ["b", "a"]


def test_calls_that_hang_tell_of_a_slowdown_before_any_answer_does() -> None:
    hanging = looking(a=seen(calls=BUSY, hanging=3), b=seen(first_s=1.5))
    few = looking(a=seen(calls=2, hanging=3), b=seen(first_s=1.5))

    assert order(lowest_latency, made("a"), made("b"), look=hanging) == ["b", "a"]
    assert order(lowest_latency, made("a"), made("b"), look=few) == ["a", "b"]


def test_of_those_about_as_fast_the_least_busy_comes_first() -> None:
    look = looking(a=seen(first_s=0.2, calls=9), b=seen(first_s=0.3, calls=1), c=seen(first_s=2.0))

    assert order(lowest_latency, made("a"), made("b"), made("c"), look=look) == ["b", "a", "c"]


def test_a_bounded_share_of_calls_goes_to_whom_least_is_known_of() -> None:
    look = looking(a=seen(), b=seen(first_s=5))
    found = firsts("lowest-latency", made("a"), made("b"), made("new"), look=look, times=5000)

    assert found["b"] == 0
    assert 0.5 * EXPLORED_SHARE < found["new"] / 5000 < 1.6 * EXPLORED_SHARE


def test_the_cheapest_comes_first_and_of_equals_the_one_that_costs_the_operator_least() -> None:
    assert order(cost_aware, made("a", usd="2"), made("b", usd="0.5"), made("c", usd="1")) == ["b", "c", "a"]


@pytest.mark.parametrize(
    "trouble", [seen(success=0.3), seen(calls=BUSY, hanging=2.5), seen(first_s=30)], ids=["fails", "hangs", "crawls"]
)
def test_the_cheapest_and_the_best_come_behind_while_in_trouble(trouble: Seen) -> None:
    look = looking(a=trouble, b=seen())

    assert order(cost_aware, made("a", usd="0.1"), made("b"), look=look) == ["b", "a"]
    assert order(quality, made("a", quality="0.99"), made("b"), look=look) == ["b", "a"]


def test_quality_prefers_the_levels_providers_then_the_score_then_the_price() -> None:
    group = [
        made("best", quality="0.99"),
        made("own", quality="0.70", preferred=True),
        made("dear", quality="0.90", usd="3"),
        made("cheap", quality="0.90", usd="1"),
        unscored(made("unscored")),
    ]

    assert order(quality, *group) == ["own", "best", "cheap", "dear", "unscored"]
