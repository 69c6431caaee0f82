"""What is sold for less than it costs, by the rates as they are set.

A credit of a package at price p buys provider usage worth 1 / (CREDITS_PER_USD * (1 + markup) * multiplier) dollars.
A package is judged at multiplier 1 and a power level by itself, so that each warning is about the row to be changed;
what both come to together is in `what_credits_buy`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from credits.amounts import to_text
from credits.models import Package, PowerLevel, Tier
from llmconfig.services.costly import costly_providers

_SOLD_IN = "usd"
_SHARE = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class BelowCost:
    """`kind` is package or power_level; `share` is the part of the cost that is earned at the tier that pays least."""

    kind: str
    slug: str
    share: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Bought:
    """What a dollar spent on a package buys at cost, by tier, in dollars; `at_worst` at the lowest multiplier, too."""

    package: Package
    price_usd_per_credit: Decimal
    by_tier: dict[str, Decimal]
    at_worst: Decimal


def below_cost() -> list[BelowCost]:
    """Three queries, and one more where a power level sells below the price."""
    tiers = list(Tier.objects.order_by("markup", "id"))
    levels = list(PowerLevel.objects.all())
    if not tiers:
        return []
    return [*_packages(tiers), *_power_levels(levels, tiers)]


def what_credits_buy() -> list[Bought]:
    tiers = list(Tier.objects.order_by("markup", "id"))
    paid_levels = _costly_levels(list(PowerLevel.objects.all()))
    least = min([Decimal(1), *(level.multiplier for level, _ in paid_levels)])
    return [_bought(package, tiers, least) for package in _packages_for_sale()]


def _packages(tiers: list[Tier]) -> Iterator[BelowCost]:
    """A tier earns price * CREDITS_PER_USD * (1 + markup) of each dollar of cost."""
    for package in _packages_for_sale():
        face = _price_per_credit(package) * Decimal(settings.CREDITS_PER_USD)
        if losing := _losing(face, tiers):
            yield BelowCost(
                "package",
                package.slug,
                losing[0][1],
                f"Package {package.name} sells {to_text(package.credits_nano)} credits below cost: {_earned(losing)}.",
            )


def _power_levels(levels: list[PowerLevel], tiers: list[Tier]) -> Iterator[BelowCost]:
    for level, providers in _costly_levels(levels):
        if losing := _losing(level.multiplier, tiers):
            yield BelowCost(
                "power_level",
                level.slug,
                losing[0][1],
                f"Power level {level.slug} sells {', '.join(providers)} below cost: {_earned(losing)}.",
            )


def _costly_levels(levels: list[PowerLevel]) -> list[tuple[PowerLevel, list[str]]]:
    """The power levels with a multiplier below 1 for providers that cost money, with these."""
    discounting = [level for level in levels if level.multiplier < 1]
    costly = costly_providers() if discounting else set()
    found = [(level, [provider for provider in level.providers if provider in costly]) for level in discounting]
    return [(level, providers) for level, providers in found if providers]


def _losing(share: Decimal, tiers: list[Tier]) -> list[tuple[Tier, Decimal]]:
    """The tiers that pay less than the cost where `share` of it is asked for before their markup, with their shares."""
    return [(tier, share * (1 + tier.markup)) for tier in tiers if share * (1 + tier.markup) < 1]


def _earned(losing: list[tuple[Tier, Decimal]]) -> str:
    shares = (f"tier {tier.slug} pays {(share * 100).quantize(_SHARE):f} %" for tier, share in losing)
    return f"of what a provider costs, {', '.join(shares)}"


def _packages_for_sale() -> list[Package]:
    """Prices in another currency are not compared: nothing here knows its rate."""
    return list(Package.objects.filter(active=True, currency=_SOLD_IN))


def _price_per_credit(package: Package) -> Decimal:
    return Decimal(package.price_minor) / 100 / (Decimal(package.credits_nano) / 10**9)


def _bought(package: Package, tiers: list[Tier], least: Decimal) -> Bought:
    price = _price_per_credit(package)
    face = price * Decimal(settings.CREDITS_PER_USD)
    by_tier = {tier.slug: 1 / (face * (1 + tier.markup)) for tier in tiers}
    worst = max(by_tier.values(), default=Decimal(0))
    return Bought(package, price, by_tier, worst / least if least else Decimal("Infinity"))
