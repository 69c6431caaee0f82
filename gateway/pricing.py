"""Tokens times prices times rates: exact nanocredits, in integers, one ceiling a request.

usd     = (uncached*input + cached*cached_input + cache_write*cache_write_price + output*output_price) / 1e6
          + searches*search
credits = usd * (1 + markup) * multiplier * CREDITS_PER_USD
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm

from gateway.usage_counts import Usage

_NANO_PER_CREDIT = 1_000_000_000
_TOKENS_PER_PRICE = 1_000_000
_NOTHING = Decimal(0)
_MOST_USD = Decimal(999_999)


@dataclass(frozen=True, slots=True)
class TokenRates:
    """Nanocredits for one token of each kind and for one search, as integer numerators over one denominator."""

    uncached: int
    cached: int
    cache_write: int
    output: int
    search: int
    denominator: int

    @property
    def is_free(self) -> bool:
        return not (self.uncached or self.cached or self.cache_write or self.output or self.search)

    def cost_nano(self, usage: Usage) -> int:
        """The price of `usage`, rounded up once."""
        total = (
            usage.uncached * self.uncached
            + usage.cached * self.cached
            + usage.cache_write * self.cache_write
            + usage.output * self.output
            + usage.searches * self.search
        )
        return -(-total // self.denominator)

    def most_nano(self, *, input_tokens: int, output_tokens: int, searches: int = 0) -> int:
        """The most that this many can cost, however the input turns out to be cached."""
        most = input_tokens * self._dearest_input + output_tokens * self.output + searches * self.search
        return -(-most // self.denominator)

    def affordable_output(self, nano: int, *, input_tokens: int) -> int:
        """The most output tokens that `nano` covers after the dearest `input_tokens`."""
        left = nano * self.denominator - input_tokens * self._dearest_input
        if left < 0:
            return 0
        return left // self.output if self.output else _TOKENS_PER_PRICE

    @property
    def _dearest_input(self) -> int:
        return max(self.uncached, self.cached, self.cache_write)


@lru_cache(maxsize=4096)
def token_rates(
    *,
    input_price: Decimal,
    cached_price: Decimal,
    write_price: Decimal,
    output_price: Decimal,
    search_price: Decimal = _NOTHING,
    markup: Decimal,
    multiplier: Decimal,
    credits_per_usd: str,
) -> TokenRates:
    """Prices are USD per 1M tokens, and per search; `markup` 0.4 means 40 %; `credits_per_usd` is a decimal string."""
    factor = (
        (1 + Fraction(markup))
        * Fraction(multiplier)
        * Fraction(credits_per_usd)
        * Fraction(_NANO_PER_CREDIT, _TOKENS_PER_PRICE)
    )
    exact = [Fraction(price) * factor for price in (input_price, cached_price, write_price, output_price)]
    exact.append(Fraction(search_price) * factor * _TOKENS_PER_PRICE)
    denominator = lcm(*(rate.denominator for rate in exact))
    uncached, cached, write, output, search = (int(rate * denominator) for rate in exact)
    return TokenRates(uncached, cached, write, output, search, denominator)


def usd(nano: int, credits_per_usd: str) -> Decimal:
    """What `nano` nanocredits at cost are in US dollars, to the nanodollar."""
    exact = Decimal(nano) / Decimal(_NANO_PER_CREDIT) / Decimal(credits_per_usd)
    return min(exact.quantize(Decimal("1e-9")), _MOST_USD)
