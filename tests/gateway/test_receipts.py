"""A receipt shows how its bill came about, and notices one that came about otherwise."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credits.amounts import LARGEST, to_nano
from gateway.pricing import token_rates
from gateway.receipts import Inputs, receipt
from gateway.usage_counts import Usage

RATES = {
    "target": "d:1",
    "price_id": 1,
    "input": "2.00",
    "cached_input": "0.5",
    "cache_write": "2.5",
    "output": "2.00",
    "markup": "0.4",
    "multiplier": "0.25",
}
HELD = to_nano("20")


def inputs(**changes: Any) -> Inputs:
    """The worked example: a starter's 1000 tokens at $2 per 1M, balanced."""
    known: dict[str, Any] = {
        "status": "succeeded",
        "basis": "provider",
        "usage": Usage(600, 0, 0, 400),
        "rates": RATES,
        "credits_per_usd": "1000",
        "held_nano": HELD,
        "charged_nano": to_nano("0.7"),
    }
    return Inputs(**{**known, **changes})


def test_the_worked_example_is_shown_step_by_step() -> None:
    shown = receipt(inputs())

    assert [tuple(step) for step in shown.steps] == [
        ("Input", "600 tokens × $2 per 1M", "$0.0012"),
        ("Output", "400 tokens × $2 per 1M", "$0.0008"),
        ("Price upstream", "the sum", "$0.002"),
        ("With the tier's markup", "× (1 + 0.4)", "$0.0028"),
        ("At the power level", "× 0.25", "$0.0007"),
        ("In credits", "× 1000 credits per USD", "0.7 credits"),
        ("Rounded up, once", "to a whole nanocredit", "0.7 credits"),
        ("At most", "the 20 credits held", "0.7 credits"),
    ]
    assert (shown.due_nano, shown.is_contradicted, shown.overrun_nano) == (to_nano("0.7"), False, 0)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_nanocredit_too_much_or_too_little_is_noticed(off: int) -> None:
    assert receipt(inputs(charged_nano=to_nano("0.7") + off)).is_contradicted


def test_cached_tokens_have_their_own_price() -> None:
    shown = receipt(inputs(usage=Usage(100, 400, 100, 400), charged_nano=to_nano("0.5075")))

    assert ("Cached input", "400 tokens × $0.5 per 1M", "$0.0002") in shown.steps
    assert ("Cache write", "100 tokens × $2.5 per 1M", "$0.00025") in shown.steps
    assert not shown.is_contradicted


def test_what_the_hold_did_not_cover_is_the_operators() -> None:
    shown = receipt(inputs(held_nano=to_nano("0.5"), charged_nano=to_nano("0.5")))

    assert shown.steps[-1] == ("At most", "the 0.5 credits held", "0.5 credits")
    assert (shown.is_contradicted, shown.overrun_nano) == (False, to_nano("0.2"))


@pytest.mark.parametrize(("swept", "due"), [("0", "0"), ("0.4", "0.4"), ("5", "0.7")])
def test_a_call_that_the_sweep_ended_first_costs_no_more_than_the_sweep_charged(swept: str, due: str) -> None:
    shown = receipt(inputs(swept_nano=to_nano(swept), charged_nano=to_nano(due)))

    assert shown.due_nano == to_nano(due)
    assert "that the sweep had charged" in shown.steps[-1].how


def test_a_dead_workers_call_costs_what_its_last_sign_of_life_counted() -> None:
    lost = inputs(status="lost", basis="checkpoint", usage=Usage(0, 0, 0, 30), charged_nano=5, checkpoint_nano=5)

    assert not receipt(lost).is_contradicted
    assert receipt(lost).steps[0] == ("Last sign of life", "30 tokens delivered", "0.000000005 credits")
    assert receipt(inputs(basis="checkpoint", charged_nano=5, checkpoint_nano=6)).is_contradicted


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("failed", "free to the consumer"),
        ("refused", "refused"),
        ("disconnected", "went away"),
        ("lost", "worker died"),
    ],
)
def test_a_call_without_a_charge_says_why_and_is_noticed_if_it_has_one(status: str, said: str) -> None:
    free = inputs(status=status, basis="void", rates={}, charged_nano=0)

    assert said in receipt(free).why
    assert not receipt(free).is_contradicted
    assert receipt(inputs(status=status, basis="void", charged_nano=1)).is_contradicted


def test_what_costs_nothing_is_charged_nothing() -> None:
    zero = {**RATES, "input": "0", "cached_input": "0", "cache_write": "0", "output": "0"}

    assert receipt(inputs(basis="free", rates=zero, held_nano=0, charged_nano=0)).due_nano == 0
    assert receipt(inputs(basis="free", rates=zero, held_nano=0, charged_nano=1)).is_contradicted


def test_what_the_ledger_moved_otherwise_is_noticed() -> None:
    assert not receipt(inputs(moved_nano=to_nano("0.7"))).is_contradicted
    shown = receipt(inputs(moved_nano=to_nano("0.8")))

    assert shown.contradictions == ("By the ledger 0.8 credits left the wallet, and by the request 0.7 credits.",)


def test_a_consumers_own_provider_key_costs_no_credits() -> None:
    assert receipt(inputs(is_byok=True, held_nano=0, charged_nano=0)).due_nano == 0
    assert receipt(inputs(is_byok=True, held_nano=0, charged_nano=1)).is_contradicted


def test_a_settled_call_that_was_not_written_down_is_compared_with_the_ledger_alone() -> None:
    lost = inputs(status="lost", usage=Usage(0, 0, 0, 0), moved_nano=to_nano("0.7"))

    assert (receipt(lost).due_nano, receipt(lost).is_contradicted) == (None, False)


@pytest.mark.parametrize(
    "rates", [{}, {"input": "2"}, {**RATES, "markup": None}, {**RATES, "input": "two"}, {**RATES, "output": "NaN"}]
)
def test_rates_that_are_not_stored_are_no_contradiction(rates: dict[str, Any]) -> None:
    shown = receipt(inputs(rates=rates))

    assert (shown.due_nano, shown.is_contradicted, shown.steps) == (None, False, ())
    assert "can't be recomputed" in shown.why


_money = st.decimals(min_value=0, max_value=1000, places=6).map(str)
_count = st.integers(min_value=0, max_value=2_000_000)


@settings(deadline=None)
@given(rates=st.fixed_dictionaries(dict.fromkeys(RATES, _money)), usage=st.builds(Usage, *[_count] * 4))
def test_the_steps_come_to_what_the_bill_comes_to(rates: dict[str, str], usage: Usage) -> None:
    cost = token_rates(
        input_price=Decimal(rates["input"]),
        cached_price=Decimal(rates["cached_input"]),
        write_price=Decimal(rates["cache_write"]),
        output_price=Decimal(rates["output"]),
        markup=Decimal(rates["markup"]),
        multiplier=Decimal(rates["multiplier"]),
        credits_per_usd="1000",
    ).cost_nano(usage)

    shown = receipt(inputs(rates=rates, usage=usage, held_nano=LARGEST, charged_nano=min(cost, LARGEST)))

    exact = Decimal(shown.steps[-3].result.removesuffix(" credits"))
    assert not shown.is_contradicted
    assert 0 <= cost - exact.scaleb(9) < 1
