"""100,000 simulated calls: what each strategy is for, it does, whatever slows down, fails and recovers meanwhile."""

import pytest

from bench.simulation import Outcome, Simulation
from gateway.breaker import Breaker
from gateway.routing.strategies import EXPLORED_SHARE, STRATEGIES

pytestmark = pytest.mark.once

CALLS = 20_000
SEED = 20261122


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return {name: Simulation(strategy, seed=SEED).run(CALLS) for name, strategy in STRATEGIES.items()}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_nearly_every_call_is_answered_with_few_attempts_in_vain(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.calls == CALLS
    assert outcome.success > 0.999
    assert outcome.attempts < 1.05 * CALLS


def test_the_lowest_latency_is_well_below_that_of_weights(outcomes: dict[str, Outcome]) -> None:
    fastest, weighted = outcomes["lowest-latency"], outcomes["weighted"]

    assert fastest.percentile_s(50) < 0.6 * weighted.percentile_s(50)
    assert fastest.percentile_s(99) < 0.75 * weighted.percentile_s(99)


def test_what_slows_down_is_left_and_what_recovers_is_found_again(outcomes: dict[str, Outcome]) -> None:
    fastest = outcomes["lowest-latency"]

    assert fastest.shares(0, 190)["fast"] > 0.8
    assert fastest.shares(230, 400).get("fast", 0.0) < 0.1
    assert fastest.shares(600, 1000)["fast"] > 0.8


def test_no_more_is_explored_than_is_meant_to_be(outcomes: dict[str, Outcome]) -> None:
    shares = outcomes["lowest-latency"].shares(600, 1000)

    assert 0 < shares.get("best", 0) + shares.get("cheap", 0) < 1.5 * EXPLORED_SHARE


def test_the_least_busy_are_faster_than_by_weight_though_nothing_is_measured(outcomes: dict[str, Outcome]) -> None:
    least_busy, weighted = outcomes["least-busy"], outcomes["weighted"]

    assert least_busy.percentile_s(50) < 0.85 * weighted.percentile_s(50)
    assert least_busy.percentile_s(99) < 0.9 * weighted.percentile_s(99)


def test_cost_is_a_fraction_and_the_cheapest_answers_again_once_it_can(outcomes: dict[str, Outcome]) -> None:
    cheapest = outcomes["cost-aware"]

    assert cheapest.usd_per_1000 < 0.3 * outcomes["weighted"].usd_per_1000
    assert cheapest.shares(0, 290)["cheap"] > 0.9
    assert cheapest.shares(600, 1000)["cheap"] > 0.9


def test_the_cheapest_left_is_not_drowned(outcomes: dict[str, Outcome]) -> None:
    """It stands half of the calls that come while the cheapest is away."""
    assert outcomes["cost-aware"].percentile_s(99) < 20


def test_quality_is_the_best_that_stands(outcomes: dict[str, Outcome]) -> None:
    best = outcomes["quality"]
    others = [one.mean_quality for name, one in outcomes.items() if name != "quality"]

    assert best.mean_quality > 0.94
    assert max(others) < 0.9
    assert best.shares(600, 800)["best"] < 0.7
    assert best.shares(900, 1000)["best"] > 0.9


def test_without_the_breaker_calls_would_be_tried_in_vain(
    outcomes: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the figures above do show it."""
    monkeypatch.setattr(Breaker, "admits", lambda self, key: True)
    without = Simulation(STRATEGIES["weighted"], seed=SEED).run(CALLS)

    assert without.attempts - CALLS > 2 * (outcomes["weighted"].attempts - CALLS)
