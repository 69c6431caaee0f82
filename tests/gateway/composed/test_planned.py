"""What is held for calls that hear each other, and how the one charge is shared out among them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.ledger.moves import Held
from gateway.callers import Caller
from gateway.composed import endings
from gateway.composed.planned import BYTES_PER_TOKEN, MESSAGE_ALLOWANCE, Plan, Planned
from gateway.composed.records import parts, rows
from gateway.composed.whole import Part, Whole
from gateway.endings import Ending
from gateway.endpoints.chat import CHAT, ChatSpeaker
from gateway.errors import ClientLeft
from gateway.exchange import Exchange
from gateway.models import RequestRow
from gateway.usage_counts import Usage
from opscenter.core.ids import next_to, uuid7
from opscenter.core.limits import Limits
from tests.gateway.routing.made import made

pytestmark = pytest.mark.once

_M1 = made("m1", usd="2")
_DEAR = made("dear", usd="10")
_MOST = 10**12


def _planned(**changes: Any) -> Planned:
    return Planned(**{"candidates": (_M1,), "input_bound": 100, "most": 500, "least": 200, **changes})


_PLAN = Plan((_planned(), _planned(hears=(0,)), _planned(most=None, candidates=(_M1, _DEAR), hears=(0, 1))))


def test_a_plan_costs_what_its_calls_can_with_what_they_hear_at_the_dearest() -> None:
    heard = 500 * BYTES_PER_TOKEN + MESSAGE_ALLOWANCE
    nano = 2_000_000

    assert _PLAN.costs() == [
        600 * nano,
        (600 + heard) * nano,
        (100 + 2 * heard + 4000) * nano * 5,
    ]
    assert _PLAN.tokens() == 600 + 600 + heard + 100 + 2 * heard + 4000


@given(amount=st.integers(0, 10**11))
def test_a_level_is_the_greatest_that_fits(amount: int) -> None:
    level = _PLAN.level_of(_PLAN.cost, amount)

    if level is None:
        assert _PLAN.cost() <= amount
    else:
        assert _PLAN.cost(level) <= amount or level == 0
        assert _PLAN.cost(level + 1) > amount


@given(
    calls=st.lists(st.tuples(st.integers(0, _MOST), st.booleans()), min_size=1, max_size=6), held=st.integers(0, _MOST)
)
def test_parts_of_a_charge_add_up_to_it_and_the_rest_is_overrun(calls: list[tuple[int, bool]], held: int) -> None:
    whole = _whole(held)
    for cost, is_paid in calls:
        _note(whole, cost if is_paid else 0, is_paid=is_paid)
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
    whole = _whole(_MOST)
    for number in tokens:
        _note(whole, number * 2_000_000, is_paid=True, tokens=number)
    ending = endings.failed(whole, ClientLeft())

    written = [request for request, _ in parts(whole, ending)]

    assert sum(row.charged_nano + row.overrun_nano for row in written) == ending.cost == 0
    assert sum(row.expense_nano for row in written) == ending.upstream_expense == sum(tokens) * 2_000_000


def _whole(held: int) -> Whole:
    whole = Whole(
        plan=_PLAN,
        speaks=ChatSpeaker,
        caller=Caller(1, 1, 1, "free", "balanced", "prod", "", frozenset(), None, None, (), None, Limits(), Limits()),
        ask=CHAT.parse(b'{"messages": [{"role": "user", "content": "Why?"}]}'),
        candidates=_PLAN.candidates,
        endpoint=CHAT,
        tags={},
        id=uuid7(),
    )
    whole.held = Held(whole.id, held, 1)
    return whole


def _note(whole: Whole, cost: int, *, is_paid: bool, tokens: int = 1) -> None:
    ask = whole.ask
    exchange = Exchange(
        caller=whole.caller,
        ask=ask,
        candidates=(_M1,),
        endpoint=CHAT,
        tags={},
        id=next_to(whole.id, len(whole.parts) + 1),
        part_of=whole,
    )
    exchange.attempt(_M1)
    basis = RequestRow.Basis.PROVIDER if is_paid else RequestRow.Basis.VOID
    status = RequestRow.Status.SUCCEEDED if is_paid else RequestRow.Status.FAILED
    usage = Usage(0, 0, 0, tokens)
    whole.parts.append(
        Part(
            exchange,
            Ending(status, basis, 200, usage, cost=cost, upstream_expense=0 if is_paid else 7, captures=is_paid),
        )
    )
