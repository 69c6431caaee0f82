"""No key goes beyond those that it was made under, whatever each of them says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.snapshot import PowerRate
from gateway import rights
from gateway.families import Line
from gateway.models import VirtualKey
from gateway.rights import Rights

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAYS = {"day": 1, "week": 7, "month": 31}


def level(multiplier: str, tokens: int, *providers: str, strict: bool = False) -> PowerRate:
    return PowerRate(Decimal(multiplier), tokens, providers, Decimal(0), strict, 1)


LEVELS = {
    "eco": level("0.1", 2000, "local", "groq", strict=True),
    "balanced": level("0.25", 4000, "together"),
    "precision": level("1", 16000, "openai"),
    "narrow": level("0.5", 4000, "local", strict=True),
    "long": level("0.2", 32000, "local"),
    "loose": level("0.2", 2000, "local"),
}


def _some(values: list[str]) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), min_size=1, unique=True)


def _number() -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(1, 5)


KEYS: st.SearchStrategy[VirtualKey] = st.builds(
    VirtualKey,
    allowed_models=_some(["m1", "m2", "m3"]),
    allowed_purposes=_some(["chat", "embeddings", "reranking"]),
    power_level=st.sampled_from(sorted(LEVELS)),
    environment=st.sampled_from(["dev", "prod"]),
    rpm=_number(),
    tpm=_number(),
    concurrency=_number(),
    budget_credits=st.none() | st.integers(0, 100).map(Decimal),
    budget_period=st.sampled_from(sorted(DAYS)),
    expires_at=st.none() | st.integers(0, 5).map(lambda days: NOW + timedelta(days=days)),
)
LINES: st.SearchStrategy[Line] = st.lists(KEYS, min_size=1, max_size=4).map(tuple)


def reach(rights: Rights) -> dict[str, Any]:
    """What somebody with these rights can do, as sets and numbers that can be compared."""
    level, limits = LEVELS[rights.power_level], rights.limits
    names = {"m1", "m2", "m3", "another"}
    purposes = {"chat", "embeddings", "reranking"}
    providers = {"local", "groq", "together", "openai"}
    return {
        "models": names if rights.allowed_models is None else rights.allowed_models,
        "purposes": purposes if rights.allowed_purposes is None else rights.allowed_purposes,
        "environments": {rights.environment},
        "providers": set(level.providers) if level.strict else providers,
        "tokens": level.max_output_tokens,
        "multiplier": level.multiplier,
        **{name: getattr(limits, name) or float("inf") for name in ("rpm", "tpm", "concurrency")},
        "end": rights.expires_at or datetime.max.replace(tzinfo=UTC),
    }


def is_within(one: Rights, other: Rights) -> bool:
    inner, outer = reach(one), reach(other)
    return all(inner[name] <= outer[name] for name in inner)


@given(child=KEYS, above=LINES)
def test_whatever_a_key_says_it_stays_within_those_above_it(child: VirtualKey, above: Line) -> None:
    may, bounds = rights.of_line((child, *above), LEVELS), rights.of_line(above, LEVELS)

    assert is_within(may, bounds)
    assert set(bounds.budgets) <= set(may.budgets)


@given(child=KEYS, above=LINES)
def test_what_is_not_refused_is_in_force_as_it_was_asked_for(child: VirtualKey, above: Line) -> None:
    asked, bounds = rights.own(child), rights.of_line(above, LEVELS)
    may, refused = rights.narrowed(asked, bounds, LEVELS), rights.excess(asked, bounds, LEVELS)

    for field in ("allowed_models", "allowed_purposes", "power_level", "environment", "expires_at"):
        wanted, got = getattr(asked, field), getattr(may, field)
        assert (field in refused) == (wanted is not None and wanted != got), field
    for field in ("rpm", "tpm", "concurrency"):
        wanted, got = getattr(asked.limits, field), getattr(may.limits, field)
        assert (field in refused) == (wanted is not None and wanted != got), field


@given(child=KEYS, parent=KEYS)
def test_a_budget_is_refused_where_the_parents_would_be_used_up_before_it(
    child: VirtualKey, parent: VirtualKey
) -> None:
    refused = "budget_credits" in rights.excess(rights.own(child), rights.own(parent), LEVELS)

    if child.budget_credits is None or parent.budget_credits is None:
        assert not refused
    elif DAYS[child.budget_period] <= DAYS[parent.budget_period]:
        assert refused == (child.budget_credits > parent.budget_credits)
    else:
        most_periods = {("day", "week"): 7, ("day", "month"): 31, ("week", "month"): 6}
        times = most_periods[parent.budget_period, child.budget_period]
        assert refused == (child.budget_credits > parent.budget_credits * times)


@given(before=KEYS, after=KEYS)
def test_what_widens_nothing_reaches_no_further(before: VirtualKey, after: VirtualKey) -> None:
    old, new = rights.own(before), rights.own(after)

    if not rights.widening(new, old, LEVELS):
        assert is_within(new, old)
        if old.budgets:
            (was,), (is_) = old.budgets, new.budgets[0]
            assert is_.period == was.period and is_.credits <= was.credits


@given(key=KEYS)
def test_what_stays_as_it_is_widens_nothing(key: VirtualKey) -> None:
    assert rights.widening(rights.own(key), rights.own(key), LEVELS) == {}


def test_models_without_a_common_one_are_none_rather_than_all() -> None:
    line = (VirtualKey(allowed_models=["m1"]), VirtualKey(allowed_models=["m2"]))

    assert rights.of_line(line, LEVELS).allowed_models == frozenset()


def test_a_power_level_that_is_gone_is_not_replaced_by_a_better_one() -> None:
    gone, kept = VirtualKey(power_level="gone"), VirtualKey(power_level="precision")

    for line in ((gone, kept), (kept, gone)):
        assert rights.of_line(line, LEVELS).power_level == "gone"
