"""Which targets may answer a call, in what order, at what rates.

A model's name -> its deployments; `provider/model` -> that provider; a bare upstream id that only one provider has
-> that provider; no model or `auto` -> the purpose's active provider, then its fallback.
"""

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Raw

from credits.snapshot import PowerRate, TierRate
from gateway.callers import Caller
from gateway.errors import ModelForbidden, ModelNotFound, NoProvider
from gateway.pricing import TokenRates, token_rates
from gateway.snapshot import Snapshot
from llmconfig.snapshot import Target
from llmconfig.target import Price
from opscenter.core.tiers import Tier

Choices = tuple[tuple[Target, ...], tuple[Target, ...]]
"""Those to ask first, and their fallback."""

_PLAIN = Decimal(1)
_NO_MARKUP = Decimal(0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One target and what its tokens cost this caller; `at_cost` is what they cost the operator, in nanocredits.

    `versions` are those of the caller's tier and power level.
    """

    target: Target
    rates: TokenRates
    at_cost: TokenRates
    markup: Decimal
    multiplier: Decimal
    versions: tuple[int, int]
    output_cap: int

    @property
    def receipt(self) -> Raw:
        """The rates as they are kept on the hold, from which a bill can be recomputed: JSON."""
        return _receipt(self.target.key, self.target.price, self.markup, self.multiplier, self.versions)


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


def candidates(
    snapshot: Snapshot, caller: Caller, *, model: str | None, purpose: str, credits_per_usd: str
) -> tuple[Candidate, ...]:
    """Whom to ask, first choice first; never empty. Raises ModelNotFound, ModelForbidden, NoProvider."""
    if caller.allowed_purposes is not None and purpose not in caller.allowed_purposes:
        raise ModelForbidden(f"This key may not be used for {purpose}.")
    first, behind = _named(snapshot, caller, model, purpose) if model else _active(snapshot, purpose)
    targets = _allowed([*first, *behind], caller, model)
    level = _power_level(snapshot, caller)
    reached = [target for target in targets if not level.strict or target.provider in level.providers]
    if not reached:
        raise ModelForbidden(
            f"The power level {caller.power_level} is served by {', '.join(level.providers)} only, and none of them "
            "has this model. Choose another model, or a key of another power level.",
            code="power_level_excludes_model",
        )
    tier = snapshot.rates.tiers[caller.tier]
    fallback = {target.key for target in behind}
    ordered = _balanced(reached, behind=fallback)
    return tuple(_candidate(target, level, tier, credits_per_usd) for target in ordered)


def _power_level(snapshot: Snapshot, caller: Caller) -> PowerRate:
    level = snapshot.rates.power_levels.get(caller.power_level)
    if level is None:
        raise ModelForbidden(
            f"This key's power level, {caller.power_level}, does not exist any more: ask whoever issued it.",
            code="power_level_missing",
        )
    return level


def _named(snapshot: Snapshot, caller: Caller, name: str, purpose: str) -> Choices:
    """A caller's personal model goes before the platform's of that name, and never falls back to the platform."""
    own = snapshot.catalog.personal.get((caller.user_id, name))
    entry = own or snapshot.catalog.models.get(name)
    targets = entry.targets if entry else _by_provider(snapshot, name) or _by_upstream_id(snapshot, name)
    targets = tuple(target for target in targets if target.purpose == purpose)
    if not targets:
        raise ModelNotFound(
            f"The model `{name}` does not exist or can't be called now. GET /v1/models lists yours.", param="model"
        )
    return targets, () if own else _fallback_of(snapshot, targets, name, purpose)


def _by_provider(snapshot: Snapshot, name: str) -> tuple[Target, ...]:
    provider, slash, model = name.partition("/")
    return snapshot.catalog.by_provider.get((provider, model), ()) if slash else ()


def _by_upstream_id(snapshot: Snapshot, name: str) -> tuple[Target, ...]:
    targets = snapshot.catalog.by_upstream.get(name, ())
    providers = {target.provider if target.server_type is None else target.provider_id for target in targets}
    if len(providers) > 1:
        raise ModelNotFound(f"Several providers have a model called {name}: write `provider/{name}`.", param="model")
    return targets


def _fallback_of(snapshot: Snapshot, targets: Iterable[Target], name: str, purpose: str) -> tuple[Target, ...]:
    """Naming the active provider's own model means what `auto` means, so it has the same fallback."""
    active = snapshot.catalog.actives.get(purpose)
    if active is None:
        return ()
    primary = {target.key for target in active.primary}
    known = {target.key for target in targets}
    if not primary & known and name != active.default_model:
        return ()
    return tuple(target for target in active.fallback if target.key not in known)


def _active(snapshot: Snapshot, purpose: str) -> Choices:
    active = snapshot.catalog.actives.get(purpose)
    if active is None or not (active.primary or active.fallback):
        raise NoProvider(
            "No active LLM provider configured" + ("" if purpose == "chat" else f" for {purpose}"),
            details={"remedy_hint": "An operator sets one in the admin under Active providers."},
        )
    primary = {target.key for target in active.primary}
    return active.primary, tuple(target for target in active.fallback if target.key not in primary)


def _allowed(targets: list[Target], caller: Caller, requested: str | None) -> list[Target]:
    by_key = [
        target for target in targets if caller.may_use(target.model_name) or (requested and caller.may_use(requested))
    ]
    if not by_key:
        raise ModelForbidden("This key may not use that model: ask whoever issued it.", param="model")
    rank = Tier(caller.tier).rank
    by_tier = [target for target in by_key if Tier(target.tier).rank <= rank]
    if not by_tier:
        lowest = min((Tier(target.tier) for target in by_key), key=lambda tier: tier.rank)
        raise ModelForbidden(
            f"This model needs the tier {lowest.value}; yours is {caller.tier}.",
            code="tier_too_low",
            param="model",
            details={"required_tier": lowest.value, "tier": caller.tier},
        )
    return by_tier


def _balanced(targets: list[Target], *, behind: set[str]) -> Iterator[Target]:
    """By priority; within one priority in random order by weight. The fallback, by its keys, stays behind, and behind
    all are those that health checks find unhealthy: a check may be wrong, and nobody is refused for it.
    """
    groups: dict[tuple[bool, bool, int], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.is_down, target.key in behind, target.priority), []).append(target)
    for _, group in sorted(groups.items(), key=lambda item: item[0][0]):
        if len(group) == 1:
            yield group[0]
        else:
            yield from sorted(group, key=_weighted_chance)


def _weighted_chance(target: Target) -> float:
    """An exponential race: the one with weight w comes first with probability w / sum of weights."""
    if target.weight <= 0:
        return math.inf
    return -math.log(1.0 - random.random()) / target.weight  # noqa: S311 - balancing load, no secret


def _candidate(target: Target, level: PowerRate, tier: TierRate, credits_per_usd: str) -> Candidate:
    multiplier = level.multiplier if target.provider in level.providers else _PLAIN
    return Candidate(
        target=target,
        rates=_rates(target, tier.markup, multiplier, credits_per_usd),
        at_cost=_rates(target, _NO_MARKUP, _PLAIN, credits_per_usd),
        markup=tier.markup,
        multiplier=multiplier,
        versions=(tier.version, level.version),
        output_cap=min(level.max_output_tokens, target.max_output_tokens or level.max_output_tokens),
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
