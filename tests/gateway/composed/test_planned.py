"""What is held for calls that hear each other, and how the one charge is shared out among them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from gateway.composed import endings
from gateway.composed.planned import BYTES_PER_TOKEN, MESSAGE_ALLOWANCE, Plan
from gateway.composed.records import parts, rows
from gateway.errors import ClientLeft
from opscenter.core.ids import next_to
from tests.gateway.composed.making import DEAR, M1, PLAN, note, planned, whole_of
from tests.gateway.routing.made import made

pytestmark = pytest.mark.once

_MOST = 10**12


def test_a_plan_costs_what_its_calls_can_with_what_they_hear_at_the_dearest() -> None:
    heard = 500 * BYTES_PER_TOKEN + MESSAGE_ALLOWANCE
    nano = 2_000_000

    assert PLAN.costs() == [
        600 * nano,
        (600 + heard) * nano,
        (100 + 2 * heard + 4000) * nano * 5,
    ]
    assert PLAN.tokens() == 600 + 600 + heard + 100 + 2 * heard + 4000


@pytest.mark.parametrize(("level", "output"), [(300, 300), (0, 200), (450, 450), (9000, 500)])
def test_a_level_shortens_answers_and_what_is_heard_of_them_to_their_least(level: int, output: int) -> None:
    heard, last = output * BYTES_PER_TOKEN + MESSAGE_ALLOWANCE, min(max(level, 200), 4000)
    nano = 2_000_000

    assert PLAN.costs(level) == [
        (100 + output) * nano,
        (100 + heard + output) * nano,
        (100 + 2 * heard + last) * nano * 5,
    ]
    assert PLAN.cost(level) == sum(PLAN.costs(level))
    assert PLAN.input(level) == 300 + 3 * heard
    assert PLAN.tokens(level) == PLAN.input(level) + 2 * output + last
    assert [PLAN.output_at(one, level) for one in (M1, DEAR)] == [2 * output + last, last]
    assert PLAN.cost_at(M1, level) == sum(PLAN.costs(level)[:2]) + PLAN.costs(level)[2] // 5


def test_of_several_candidates_the_one_counts_that_needs_most(settings: Settings) -> None:
    settings.IMAGE_TOKEN_ALLOWANCE = 1000
    small = replace(DEAR, output_cap=50, target=replace(DEAR.target, context_window=120))
    call = planned(candidates=(M1, small), most=None, least=20, choices=2, media=1)

    assert (call.longest(None), call.longest(30)) == (8000, 60)
    assert (call.input(7), call.input(0)) == (1107, 1100)
    assert (call.tokens(None, 7), call.tokens(30, 7)) == (9107, 1167)
    assert call.cost_at(small, 30, 7) == (120 + 60) * 10_000_000
    assert call.cost(30, 7) == (1107 + 60) * 2_000_000
    assert Plan((call,)).candidates == (M1, small)


def test_what_the_last_call_is_asked_for_in_so_many_words_is_not_shortened() -> None:
    asked = PLAN.with_last(900)

    assert asked.calls[:2] == PLAN.calls[:2]
    assert [asked.calls[2].output(DEAR, level) for level in (0, 500, None)] == [900] * 3
    assert len(asked.calls) == 3


def test_whoever_answers_last_comes_first_and_nobody_twice() -> None:
    assert PLAN.candidates == (M1, DEAR)
    assert Plan((planned(), planned(candidates=(DEAR,)))).candidates == (DEAR, M1)


def test_free_is_a_plan_whose_every_call_somebody_makes_for_nothing() -> None:
    gratis = made("gratis", usd="0")
    both, one = planned(candidates=(M1, gratis)), planned(candidates=(gratis,))
    free = Plan((both, one)).free()

    assert free is not None
    assert [call.candidates for call in free.calls] == [(gratis,), (gratis,)]
    assert Plan((both, planned())).free() is None


@given(amount=st.integers(0, 10**11))
def test_a_level_is_the_greatest_that_fits(amount: int) -> None:
    level = PLAN.level_of(PLAN.cost, amount)

    if level is None:
        assert PLAN.cost() <= amount
    else:
        assert PLAN.cost(level) <= amount or level == 0
        assert PLAN.cost(level + 1) > amount


@given(
    calls=st.lists(st.tuples(st.integers(0, _MOST), st.booleans()), min_size=1, max_size=6), held=st.integers(0, _MOST)
)
def test_parts_of_a_charge_add_up_to_it_and_the_rest_is_overrun(calls: list[tuple[int, bool]], held: int) -> None:
    whole = whole_of(held)
    for cost, is_paid in calls:
        note(whole, cost if is_paid else 0, is_paid=is_paid)
    ending = endings.answered(whole)
    whole.charged_nano = min(ending.cost, held)

    written = [request for request, _ in parts(whole, ending)]

    assert sum(row.charged_nano for row in written) == whole.charged_nano
    assert sum(row.overrun_nano for row in written) == ending.cost - whole.charged_nano
    assert sum(row.expense_nano for row in written) == 0
    assert [row.id for row in written] == [next_to(whole.id, number) for number in range(1, len(calls) + 1)]
    own, _ = rows(whole, ending)
    assert {row.created_at for row in written} == {own.created_at}
    assert {row.parent_id for row in written} == {own.id}
    assert (own.charged_nano, own.overrun_nano, own.completion_tokens) == (0, 0, 0)
    assert own.held_nano == held


@given(tokens=st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_of_what_failed_nothing_is_charged_and_all_of_it_is_an_expense(tokens: list[int]) -> None:
    whole = whole_of(_MOST)
    for number in tokens:
        note(whole, number * 2_000_000, is_paid=True, tokens=number)
    ending = endings.failed(whole, ClientLeft())

    written = [request for request, _ in parts(whole, ending)]

    assert sum(row.charged_nano + row.overrun_nano for row in written) == ending.cost == 0
    assert sum(row.expense_nano for row in written) == ending.upstream_expense == sum(tokens) * 2_000_000
