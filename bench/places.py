"""Simulated deployments: how long each takes, how much it stands, when it slows down, fails and recovers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from gateway.pricing import token_rates
from gateway.routing import Candidate
from llmconfig.target import Price, Target
from opscenter.core.limits import NO_LIMITS

_FAILS_AFTER_S = 0.4
_NOISE = 0.25


@dataclass(frozen=True, slots=True)
class Spell:
    """From `begin_s` to `end_s` it takes `slower` times as long, and a share of calls fails."""

    begin_s: float
    end_s: float
    slower: float = 1.0
    failing: float = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """`usd_per_mtok` of input and output; with more than `at_once` calls all of them take longer."""

    name: str
    usd_per_mtok: str
    quality: str
    first_s: float
    per_token_s: float
    at_once: int
    failing: float = 0.001
    spells: tuple[Spell, ...] = ()

    def outcome(self, now_s: float, *, tokens: int, in_flight: int, luck: Random) -> tuple[float, bool]:
        """(seconds, whether it answers) of a call that begins now."""
        slower, failing = 1.0, self.failing
        for spell in self.spells:
            if spell.begin_s <= now_s < spell.end_s:
                slower, failing = slower * spell.slower, max(failing, spell.failing)
        if luck.random() < failing:
            return _FAILS_AFTER_S, False
        crowded = max(1.0, in_flight / self.at_once)
        noise = luck.lognormvariate(0.0, _NOISE)
        return (self.first_s + self.per_token_s * tokens) * slower * crowded * noise, True


PLACES: Sequence[Place] = (
    Place("steady", "1.00", "0.85", 0.5, 0.006, 60),
    Place("fast", "2.00", "0.90", 0.2, 0.002, 40, spells=(Spell(200, 400, slower=12.0),)),
    Place("cheap", "0.20", "0.70", 0.7, 0.009, 80, spells=(Spell(300, 500, failing=1.0),)),
    Place("small", "0.60", "0.75", 0.4, 0.005, 10),
    Place("best", "6.00", "0.97", 0.9, 0.012, 120, failing=0.002, spells=(Spell(600, 800, failing=0.5),)),
)


def candidate(place: Place) -> Candidate:
    """As routing makes one, at the operator's cost."""
    rate = Decimal(place.usd_per_mtok)
    rates = token_rates(
        input_price=rate,
        cached_price=rate,
        write_price=rate,
        output_price=rate,
        markup=Decimal(0),
        multiplier=Decimal(1),
        credits_per_usd="1000",
    )
    return Candidate(
        target=_target(place, Price(1, rate, rate, rate, rate, Decimal(0))),
        rates=rates,
        at_cost=rates,
        markup=Decimal(0),
        multiplier=Decimal(1),
        versions=(1, 1),
        output_cap=4000,
        is_preferred=False,
    )


def _target(place: Place, price: Price) -> Target:
    return Target(
        key=place.name,
        deployment_id=1,
        model_name="simulated",
        purpose="chat",
        tier="free",
        provider=place.name,
        provider_label=place.name,
        server_type=None,
        provider_id=1,
        api_base="",
        api_key=None,
        litellm_provider="openai",
        upstream_model=place.name,
        transport="relay",
        max_tokens_param="max_tokens",
        timeout_s=600,
        priority=0,
        weight=1,
        context_window=None,
        max_output_tokens=None,
        quality_score=Decimal(place.quality),
        price=price,
        is_private_network=False,
        is_down=False,
        limits=NO_LIMITS,
    )
