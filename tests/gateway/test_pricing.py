"""Bills are exact, to the nanocredit."""

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.pricing import TokenRates, token_rates
from gateway.usage_counts import Usage

_prices = st.decimals(min_value=0, max_value=1000, places=6)
_counts = st.integers(min_value=0, max_value=2_000_000)
_terms = st.fixed_dictionaries(
    {
        "input_price": _prices,
        "cached_price": _prices,
        "write_price": _prices,
        "output_price": _prices,
        "search_price": _prices,
        "markup": st.decimals(min_value=0, max_value=5, places=4),
        "multiplier": st.decimals(min_value=0, max_value=10, places=4),
        "credits_per_usd": st.sampled_from(["1", "1000", "0.3", "7.5"]),
    }
)
_usages = st.builds(Usage, _counts, _counts, _counts, _counts, st.integers(min_value=0, max_value=1000))


def _by_the_formula(usage: Usage, terms: dict[str, Any]) -> int:
    """The specification's formula in fractions, with the one ceiling at the end."""
    names = ("input_price", "cached_price", "write_price", "output_price")
    usd = sum(Fraction(terms[name]) * count for name, count in zip(names, usage[:4], strict=True)) / 1_000_000
    usd += Fraction(terms["search_price"]) * usage.searches
    charged = usd * (1 + Fraction(terms["markup"])) * Fraction(terms["multiplier"])
    return ceil(charged * Fraction(terms["credits_per_usd"]) * 10**9)


def _starter_balanced(credits_per_usd: str) -> TokenRates:
    two = Decimal("2.00")
    return token_rates(
        input_price=two,
        cached_price=two,
        write_price=two,
        output_price=two,
        markup=Decimal("0.4"),
        multiplier=Decimal("0.25"),
        credits_per_usd=credits_per_usd,
    )


def test_the_worked_example_costs_what_it_says() -> None:
    usage = Usage(uncached=600, cached=0, cache_write=0, output=400)

    assert _starter_balanced("1000").cost_nano(usage) == 700_000_000
    assert _starter_balanced("1").cost_nano(usage) == 700_000


def test_a_fraction_of_a_nanocredit_is_rounded_up_once() -> None:
    rates = token_rates(
        input_price=Decimal("0.000001"),
        cached_price=Decimal(0),
        write_price=Decimal(0),
        output_price=Decimal("0.000001"),
        markup=Decimal(0),
        multiplier=Decimal("0.1"),
        credits_per_usd="1000",
    )

    assert rates.cost_nano(Usage(1, 0, 0, 0)) == 1
    assert rates.cost_nano(Usage(1, 0, 0, 9)) == 1
    assert rates.cost_nano(Usage(1, 0, 0, 10)) == 2


def test_nothing_costs_nothing() -> None:
    assert _starter_balanced("1000").cost_nano(Usage(0, 0, 0, 0)) == 0


@given(usage=_usages, terms=_terms)
def test_a_cost_is_what_the_formula_gives(usage: Usage, terms: dict[str, Any]) -> None:
    assert token_rates(**terms).cost_nano(usage) == _by_the_formula(usage, terms)


@given(usage=_usages, terms=_terms)
def test_no_call_costs_more_than_its_most(usage: Usage, terms: dict[str, Any]) -> None:
    rates = token_rates(**terms)
    most = rates.most_nano(input_tokens=usage.prompt, output_tokens=usage.output, searches=usage.searches)

    assert rates.cost_nano(usage) <= most


@given(input_tokens=_counts, output_tokens=_counts, terms=_terms)
def test_the_most_is_reached_by_the_dearest_kind_of_input(
    input_tokens: int, output_tokens: int, terms: dict[str, Any]
) -> None:
    rates = token_rates(**terms)
    kinds = [(input_tokens, 0, 0), (0, input_tokens, 0), (0, 0, input_tokens)]
    costs = [rates.cost_nano(Usage(*kind, output_tokens)) for kind in kinds]

    assert rates.most_nano(input_tokens=input_tokens, output_tokens=output_tokens) == max(costs)


@given(nano=st.integers(min_value=0, max_value=10**15), input_tokens=_counts, terms=_terms)
def test_affordable_output_is_covered_and_one_token_more_is_not(
    nano: int, input_tokens: int, terms: dict[str, Any]
) -> None:
    rates = token_rates(**terms)
    assume(rates.output)
    affordable = rates.affordable_output(nano, input_tokens=input_tokens)

    if affordable:
        assert rates.most_nano(input_tokens=input_tokens, output_tokens=affordable) <= nano
    assert rates.most_nano(input_tokens=input_tokens, output_tokens=affordable + 1) > nano


def test_free_output_is_not_affordable_where_the_input_is_not() -> None:
    rates = token_rates(
        input_price=Decimal(1),
        cached_price=Decimal(1),
        write_price=Decimal(1),
        output_price=Decimal(0),
        markup=Decimal(0),
        multiplier=Decimal(1),
        credits_per_usd="1000",
    )

    assert rates.affordable_output(999_999, input_tokens=1) == 0
    assert rates.affordable_output(1_000_000, input_tokens=1) > 0


@given(terms=_terms)
def test_rates_are_free_exactly_when_nothing_costs(terms: dict[str, Any]) -> None:
    rates = token_rates(**terms)

    assert rates.is_free == (rates.cost_nano(Usage(1, 1, 1, 1, 1)) == 0)
