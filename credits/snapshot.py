"""The credits' part of the snapshot: the rates that price a request. Plain values, nothing of the ORM."""

from dataclasses import dataclass
from decimal import Decimal

from credits.models import PowerLevel, Tier
from opscenter.core import tiers
from opscenter.core.limits import Limits


@dataclass(frozen=True, slots=True)
class TierRate:
    """`markup` 0.4 is 40 % above cost; `limits` are each user's own unless they have others; `version` is the row's."""

    markup: Decimal
    rank: int
    version: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class PowerRate:
    multiplier: Decimal
    max_output_tokens: int
    providers: tuple[str, ...]
    min_quality: Decimal
    strict: bool
    version: int


@dataclass(frozen=True, slots=True)
class Rates:
    """By slug."""

    tiers: dict[str, TierRate]
    power_levels: dict[str, PowerRate]


def load() -> Rates:
    """Two queries, inside the caller's transaction if it has one."""
    return Rates(
        tiers={row.slug: _tier(row) for row in Tier.objects.all()},
        power_levels=load_power_levels(),
    )


def load_power_levels() -> dict[str, PowerRate]:
    """By slug; one query."""
    return {row.slug: _power(row) for row in PowerLevel.objects.all()}


def _tier(row: Tier) -> TierRate:
    return TierRate(row.markup, tiers.Tier(row.slug).rank, row.version, row.limits)


def _power(row: PowerLevel) -> PowerRate:
    return PowerRate(
        multiplier=row.multiplier,
        max_output_tokens=row.max_output_tokens,
        providers=tuple(row.providers),
        min_quality=row.min_quality,
        strict=row.strict,
        version=row.version,
    )
