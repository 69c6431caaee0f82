"""What of a whole's hold and time each of its calls may use, and which calls are not begun."""

import time
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from credits.ledger.moves import Held
from gateway.composed.errors import BudgetExhausted
from gateway.composed.planned import Plan
from gateway.composed.whole import Whole
from gateway.endpoints.chat import CHAT
from gateway.errors import ClientLeft, UpstreamTimedOut
from gateway.exchange import Exchange
from gateway.once.claim import Claim
from gateway.routing import Candidate
from opscenter.core.ids import next_to
from tests.gateway.composed.making import DEAR, M1, PLAN, note, planned, whole_of
from tests.gateway.routing.made import made

pytestmark = pytest.mark.once

_TWO = Plan((planned(), planned(most=None)))


def _begun(whole: Whole, place: int, **options: Any) -> Exchange:
    return whole.part(place, whole.ask, {}, endpoint=CHAT, **{"time_limit_s": None, **options})


def _allotted(exchange: Exchange) -> int:
    assert exchange.held is not None
    return exchange.held.amount


def test_each_call_has_what_the_ended_ones_left_less_what_the_later_ones_are_planned_with() -> None:
    whole = whole_of(PLAN.cost())
    first, second, third = PLAN.costs()
    allotted = [_allotted(_begun(whole, 0))]
    note(whole, 7, is_paid=True)
    allotted.append(_allotted(_begun(whole, 1)))
    note(whole, second, is_paid=True)
    allotted.append(_allotted(_begun(whole, 2)))

    assert allotted == [first, first + second - 7, first + third - 7]
    assert _begun(whole, 2).id == next_to(whole.id, 3)


def test_under_a_short_hold_the_earlier_ones_are_shortened_and_the_last_has_what_is_left() -> None:
    whole = whole_of(_TWO.cost(300), plan=_TWO)

    first, last = _begun(whole, 0), _begun(whole, 1)

    assert (first.output_limit, last.output_limit) == (300, None)
    assert _allotted(first) == _TWO.costs(300)[0]


@pytest.mark.parametrize(("limit", "limits"), [(None, (200, None)), (150, (200, 200)), (350, (200, 350))])
def test_none_is_shortened_below_its_least(limit: int | None, limits: tuple[int, int | None]) -> None:
    """The least is held, whatever the limit of tokens says."""
    whole = whole_of(_TWO.cost(0), plan=_TWO)
    whole.output_limit = limit

    assert (_begun(whole, 0).output_limit, _begun(whole, 1).output_limit) == limits


def test_a_max_cost_shortens_as_a_short_hold_does() -> None:
    whole = whole_of(_TWO.cost(300), plan=_TWO, max_cost_nano=_TWO.cost(300))

    assert whole.most_nano() == _TWO.cost(300)
    assert whole.most_nano(250) == _TWO.cost(250)
    assert _begun(whole, 0).output_limit == 300


@pytest.mark.parametrize(("usd", "less", "candidates"), [(10, 0, (M1, DEAR)), (10, 1, (M1,)), (2, 0, (M1,))])
def test_who_could_not_say_a_word_for_what_is_left_is_not_asked(
    usd: int, less: int, candidates: tuple[Candidate, ...]
) -> None:
    whole = whole_of(0, plan=Plan((planned(candidates=(M1, DEAR)),)))
    word = (whole.ask.input_bound + 1) * usd * 1_000_000
    whole.held = Held(whole.id, word - less, 1)

    assert _begun(whole, 0).candidates == candidates


def test_what_is_left_for_nobody_is_told_with_the_number_of_the_call() -> None:
    whole = whole_of(PLAN.cost())
    note(whole, PLAN.cost(), is_paid=True)

    with pytest.raises(BudgetExhausted) as raised:
        _begun(whole, 2)

    assert raised.value.details is not None
    assert raised.value.details["call"] == 2


def test_what_is_free_is_made_even_where_nothing_is_left() -> None:
    gratis = made("gratis", usd="0")
    whole = whole_of(100, plan=Plan((planned(), planned(candidates=(gratis, DEAR)))))
    note(whole, 1000, is_paid=True)

    last = _begun(whole, 1)

    assert (last.candidates, _allotted(last)) == ((gratis,), 0)


@pytest.mark.parametrize(("wanted_s", "most_s"), [(None, 10), (3, 3), (30, 10)])
def test_no_call_has_more_time_than_the_whole_has_left(wanted_s: float | None, most_s: float) -> None:
    whole = whole_of(PLAN.cost(), time_limit_s=20)
    whole.began = time.monotonic() - 10

    given_s = _begun(whole, 0, time_limit_s=wanted_s).time_limit_s

    assert given_s is not None
    assert most_s - 1 < given_s <= most_s


@pytest.mark.parametrize("sending", [False, True])
def test_without_time_no_call_is_begun_and_what_had_been_said_is_cut(settings: Settings, sending: bool) -> None:
    settings.REQUEST_TIMEOUT_S = 10
    whole = whole_of(PLAN.cost())
    whole.began, whole.sending = time.monotonic() - 11, sending

    with pytest.raises(UpstreamTimedOut):
        _begun(whole, 0)

    assert whole.is_cut is sending


def test_who_has_left_gets_no_other_call_unless_somebody_will_ask_again() -> None:
    whole = whole_of(PLAN.cost())
    running = _begun(whole, 0)
    whole.leave()

    assert running.client_left
    with pytest.raises(ClientLeft):
        _begun(whole, 1)
    whole.claim = Claim(1, whole.id, began=time.monotonic())
    assert _begun(whole, 1).client_left


def test_what_could_be_asked_for_is_the_most_that_is_covered_with_all_others_at_their_shortest() -> None:
    whole = whole_of(0, plan=_TWO)

    assert [whole.affordable_output(nano) for nano in (0, 10**15)] == [0, 4000]
    for tokens in (1, 300, 3999):
        covered = _TWO.with_last(tokens).cost(0)
        assert [whole.affordable_output(nano) for nano in (covered, covered - 1)] == [tokens, tokens - 1]


def test_tokens_of_a_minute_are_a_level_for_all_calls() -> None:
    whole = whole_of(0, plan=_TWO)

    assert whole.output_within((), _TWO.tokens(300)) == 300
    assert whole.output_within((), _TWO.tokens(300) - 1) == 299
    assert whole.output_within((), _TWO.tokens()) == 4000
    assert (whole.most_tokens(()), whole.most_tokens((), 300)) == (_TWO.tokens(), _TWO.tokens(300))


def test_a_heartbeat_says_what_a_client_has_and_at_most_the_hold() -> None:
    whole = whole_of(1000)
    note(whole, 600, is_paid=True, tokens=30)
    note(whole, 0, is_paid=False, tokens=5)

    unsaid, whole.sending = whole.beat(), True
    said = whole.beat()
    note(whole, 700, is_paid=True, tokens=30)

    assert (unsaid.delivered_tokens, unsaid.checkpoint_amount) == (0, 0)
    assert (said.delivered_tokens, said.checkpoint_amount) == (30, 600)
    assert (whole.beat().delivered_tokens, whole.beat().checkpoint_amount) == (60, 1000)


def test_an_answer_of_no_tokens_is_nothing_that_a_client_has() -> None:
    whole = whole_of(1000)
    note(whole, 600, is_paid=True, tokens=0)
    whole.sending = True

    assert whole.beat().checkpoint_amount == 0
