"""Whom a call can't go to: by its key, tier and power level, then by what it wishes itself.

Each rule looks at one target; why it drops one is only put into words where somebody reads it.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from credits.snapshot import PowerRate
from gateway.callers import Caller
from gateway.errors import ModelForbidden
from gateway.routing.strategies import Look
from gateway.routing.wishes import LATENCY, PRIVACY, Wishes
from llmconfig.models import LLMModel
from llmconfig.target import Target
from opscenter.core.errors import ServiceError
from opscenter.core.tiers import Tier

_CLASS = LLMModel.LatencyClass
# What is taken for the time to the first byte until it has been measured.
_USUAL_MS = {
    _CLASS.ULTRAFAST.value: 300,
    _CLASS.FAST.value: 1_000,
    _CLASS.MEDIUM.value: 3_000,
    _CLASS.SLOW.value: 10_000,
}


class Rule(Protocol):
    @property
    def name(self) -> str: ...

    def keeps(self, target: Target) -> bool: ...

    def why(self, target: Target) -> str:
        """It drops `target`; a sentence."""
        ...

    def refusal(self, dropped: Sequence[Target]) -> ServiceError | None:
        """What the caller is told where these were all that was left; None: that no deployment meets its wishes."""
        ...


@dataclass(slots=True)
class OfKey:
    """`requested` is the name that the call uses, `behind` the keys of those that it doesn't mean: the fallback."""

    caller: Caller
    requested: str | None
    behind: Container[str]
    name = "key"

    def keeps(self, target: Target) -> bool:
        caller, requested = self.caller, self.requested
        if caller.may_use(target.model_name):
            return True
        return bool(requested and caller.may_use(requested)) and target.key not in self.behind

    def why(self, target: Target) -> str:
        return f"The key may not use the model {target.model_name}."

    def refusal(self, dropped: Sequence[Target]) -> ServiceError:
        return ModelForbidden("This key may not use that model: ask whoever issued it.", param="model")


@dataclass(slots=True)
class OfTier:
    tier: str
    rank: int
    name = "tier"

    def keeps(self, target: Target) -> bool:
        return Tier(target.tier).rank <= self.rank

    def why(self, target: Target) -> str:
        return f"It needs the tier {target.tier}; the caller's is {self.tier}."

    def refusal(self, dropped: Sequence[Target]) -> ServiceError:
        lowest = min((Tier(target.tier) for target in dropped), key=lambda tier: tier.rank)
        return ModelForbidden(
            f"This model needs the tier {lowest.value}; yours is {self.tier}.",
            code="tier_too_low",
            param="model",
            details={"required_tier": lowest.value, "tier": self.tier},
        )


@dataclass(slots=True)
class OfPowerLevel:
    slug: str
    level: PowerRate
    name = "power_level"

    def keeps(self, target: Target) -> bool:
        return not self.level.strict or target.provider in self.level.providers

    def why(self, target: Target) -> str:
        return f"The power level {self.slug} is served by {', '.join(self.level.providers)} only."

    def refusal(self, dropped: Sequence[Target]) -> ServiceError:
        return ModelForbidden(
            f"The power level {self.slug} is served by {', '.join(self.level.providers)} only, and none of them "
            "has this model. Choose another model, or a key of another power level.",
            code="power_level_excludes_model",
        )


class _Wish:
    """A rule that the call itself brought: without it others could answer."""

    def refusal(self, dropped: Sequence[Target]) -> None:
        return None


@dataclass(frozen=True)
class LeastQuality(_Wish):
    slug: str
    level: PowerRate
    name = "quality"

    def keeps(self, target: Target) -> bool:
        return target.quality_score is not None and target.quality_score >= self.level.min_quality

    def why(self, target: Target) -> str:
        score = "unknown" if target.quality_score is None else target.quality_score
        return f"Its quality is {score}; the power level {self.slug} asks for {self.level.min_quality}."


@dataclass(frozen=True)
class LeastPrivacy(_Wish):
    wanted: str
    name = "privacy"

    def keeps(self, target: Target) -> bool:
        return PRIVACY[target.privacy] >= PRIVACY[self.wanted]

    def why(self, target: Target) -> str:
        return f"Its privacy is {target.privacy}; {self.wanted} is asked for."


@dataclass(frozen=True)
class LatencyClass(_Wish):
    slowest: str
    name = "latency"

    def keeps(self, target: Target) -> bool:
        return LATENCY[target.latency_class] <= LATENCY[self.slowest]

    def why(self, target: Target) -> str:
        return f"Its latency class is {target.latency_class}; {self.slowest} or faster is asked for."


@dataclass(frozen=True)
class MostLatency(_Wish):
    """By the time to the first byte as it was measured of late, else by what is usual for the latency class."""

    most_ms: int
    look: Look
    name = "max_latency_ms"

    def keeps(self, target: Target) -> bool:
        return self._expected_ms(target) <= self.most_ms

    def why(self, target: Target) -> str:
        return f"Its first byte takes about {self._expected_ms(target):.0f} ms; at most {self.most_ms} are asked for."

    def _expected_ms(self, target: Target) -> float:
        first_byte_s = self.look(target.key).first_byte_s
        return _USUAL_MS[target.latency_class] if first_byte_s is None else first_byte_s * 1000


@dataclass(frozen=True)
class HighestTier(_Wish):
    tier: str
    name = "highest_tier"

    def keeps(self, target: Target) -> bool:
        return Tier(target.tier).rank <= Tier(self.tier).rank

    def why(self, target: Target) -> str:
        return f"Its tier is {target.tier}; {self.tier} at most is asked for."


@dataclass(frozen=True)
class Providers(_Wish):
    names: tuple[str, ...]
    name = "providers"

    def keeps(self, target: Target) -> bool:
        return any(name in self.names for name in _names_of(target))

    def why(self, target: Target) -> str:
        return f"Its provider is {target.provider}; {', '.join(self.names)} is asked for."


@dataclass(frozen=True)
class Excluded(_Wish):
    names: tuple[str, ...]
    name = "exclude"

    def keeps(self, target: Target) -> bool:
        return not any(name in self.names for name in (*_names_of(target), target.model_name, target.key))

    def why(self, target: Target) -> str:
        return "The call excludes it."


def of_caller(caller: Caller, level: PowerRate, requested: str | None, behind: Container[str]) -> list[Rule]:
    return [
        OfKey(caller, requested, behind),
        OfTier(caller.tier, Tier(caller.tier).rank),
        OfPowerLevel(caller.power_level, level),
    ]


def of_wishes(wishes: Wishes, look: Look) -> Iterator[Rule]:
    if wishes.privacy:
        yield LeastPrivacy(wishes.privacy)
    if wishes.tier:
        yield HighestTier(wishes.tier)
    if wishes.providers:
        yield Providers(wishes.providers)
    if wishes.exclude:
        yield Excluded(wishes.exclude)
    if wishes.latency:
        yield LatencyClass(wishes.latency)
    if wishes.max_latency_ms:
        yield MostLatency(wishes.max_latency_ms, look)


def _names_of(target: Target) -> tuple[str, ...]:
    """As callers write them before the slash of provider/model; a server by its own name, and all of them as local."""
    return (target.provider, target.provider_label) if target.server_type else (target.provider,)
