"""A target with the rates at which its call would be charged."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Raw

from credits.snapshot import PowerRate, TierRate
from gateway.callers import Caller
from gateway.pricing import TokenRates, token_rates
from gateway.snapshot import Snapshot
from llmconfig.snapshot import Target
from llmconfig.target import Price

_PLAIN = Decimal(1)
_NO_MARKUP = Decimal(0)
# Consumers' own keys make a target of each deployment, and a snapshot may last for days.
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One target and what its tokens cost this caller; `at_cost` is what they cost the operator, in nanocredits.

    `versions` are those of the caller's tier and power level; `is_preferred`: its provider is one of the level's.
    """

    target: Target
    rates: TokenRates
    at_cost: TokenRates
    markup: Decimal
    multiplier: Decimal
    versions: tuple[int, int]
    output_cap: int
    is_preferred: bool

    @property
    def receipt(self) -> Raw:
        """The rates as they are kept on the hold, from which a bill can be recomputed: JSON."""
        return _receipt(self.target.key, self.target.price, self.markup, self.multiplier, self.versions)


def candidate_of(snapshot: Snapshot, caller: Caller, target: Target, credits_per_usd: str) -> Candidate:
    """The same object for all callers of a tier and power level, as long as the snapshot is in force."""
    key = (target.key, caller.tier, caller.power_level, credits_per_usd)
    made: Candidate | None = snapshot.candidates.get(key)
    if made is None:
        if len(snapshot.candidates) >= _MOST_KEPT:
            snapshot.candidates.clear()
        level, tier = snapshot.rates.power_levels[caller.power_level], snapshot.rates.tiers[caller.tier]
        made = snapshot.candidates[key] = _candidate(target, level, tier, credits_per_usd)
    return made


@lru_cache(maxsize=4096)
def _receipt(target_key: str, price: Price, markup: Decimal, multiplier: Decimal, versions: tuple[int, int]) -> Raw:
    facts = {
        "target": target_key,
        "price_id": price.price_id,
        "input": str(price.input),
        "cached_input": str(price.cached_input),
        "cache_write": str(price.cache_write),
        "output": str(price.output),
        "search": str(price.search),
        "markup": str(markup),
        "multiplier": str(multiplier),
        "tier_version": versions[0],
        "power_level_version": versions[1],
    }
    return Raw(msgspec.json.encode(facts))


def _candidate(target: Target, level: PowerRate, tier: TierRate, credits_per_usd: str) -> Candidate:
    is_preferred = target.provider in level.providers
    multiplier = level.multiplier if is_preferred else _PLAIN
    return Candidate(
        target=target,
        rates=_rates(target, tier.markup, multiplier, credits_per_usd),
        at_cost=_rates(target, _NO_MARKUP, _PLAIN, credits_per_usd),
        markup=tier.markup,
        multiplier=multiplier,
        versions=(tier.version, level.version),
        output_cap=min(level.max_output_tokens, target.max_output_tokens or level.max_output_tokens),
        is_preferred=is_preferred,
    )


def _rates(target: Target, markup: Decimal, multiplier: Decimal, credits_per_usd: str) -> TokenRates:
    price = target.price
    return token_rates(
        input_price=price.input,
        cached_price=price.cached_input,
        write_price=price.cache_write,
        output_price=price.output,
        search_price=price.search,
        markup=markup,
        multiplier=multiplier,
        credits_per_usd=credits_per_usd,
    )
