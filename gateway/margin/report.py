"""Margins from the sums of llm_margin_stats: no request is read, and no row per consumer.

"Paid" are credits that left wallets for calls, at CREDITS_PER_USD, whether they had been bought, discounted or
granted; docs/credits.md says what that means for the till.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import DecimalField, ExpressionWrapper, F, QuerySet, Sum

from credits.amounts import NANO
from gateway.models import MarginStat
from gateway.models.margin_stat import DIMENSIONS

GROUPS = DIMENSIONS
_SUMS = (
    *("requests", "failed", "prompt_tokens", "completion_tokens"),
    *("charged_nano", "overrun_nano", "expense_nano", "cost_nano_usd"),
)
_CENT_OF_PERCENT = Decimal("0.01")
_WORTH_TELLING_USD = Decimal("0.01")
_IN_NANOCREDITS: Any = DecimalField(max_digits=60, decimal_places=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """`of` are the group's values, in the order asked for. `paid_nano`, `overrun_nano` and `expense_nano` are
    nanocredits: the last two are the operator's, of the price beyond what was held, and at cost of what failed
    upstream, which is part of `cost_nano_usd`, too.
    """

    of: tuple[Any, ...]
    requests: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    paid_nano: int
    overrun_nano: int
    expense_nano: int
    cost_nano_usd: int

    @property
    def paid_usd(self) -> Decimal:
        return in_usd(self.paid_nano)

    @property
    def overrun_usd(self) -> Decimal:
        return in_usd(self.overrun_nano)

    @property
    def expense_usd(self) -> Decimal:
        return in_usd(self.expense_nano)

    @property
    def cost_usd(self) -> Decimal:
        return Decimal(self.cost_nano_usd) / NANO

    @property
    def margin_usd(self) -> Decimal:
        return self.paid_usd - self.cost_usd

    @property
    def percent(self) -> Decimal | None:
        """Of what was paid; None where nothing was."""
        if not self.paid_nano:
            return None
        return (self.margin_usd / self.paid_usd * 100).quantize(_CENT_OF_PERCENT)

    @property
    def is_below_cost(self) -> bool:
        """By a cent at least: each call's cost is rounded to a nanodollar, up or down."""
        return self.margin_usd <= -_WORTH_TELLING_USD


_FIELDS = tuple(field.name for field in fields(Margin) if field.name != "of")


def in_usd(nano: int) -> Decimal:
    """What nanocredits are worth at CREDITS_PER_USD."""
    return Decimal(nano) / NANO / Decimal(settings.CREDITS_PER_USD)


def margins(*, first: date, last: date, group_by: Sequence[str], most: int, skipped: int = 0) -> list[Margin]:
    """By group, the latest day first and then by name; at most `most` of them, after so many. One query."""
    order = [f"-{name}" if name == "day" else name for name in group_by]
    sums = _between(first, last).values(*group_by).annotate(**_totals()).filter(n_requests__gt=0).order_by(*order)
    return [_margin(row, group_by) for row in sums[skipped : skipped + most]]


def total(*, first: date, last: date) -> Margin:
    """Of all groups together. One query."""
    return _margin(_between(first, last).aggregate(**_totals()), ())


def together(groups: Iterable[Margin]) -> Margin:
    """The sum of groups, where all of them are at hand."""
    groups = list(groups)
    return Margin(of=(), **{name: sum(getattr(group, name) for group in groups) for name in _FIELDS})


def worst(*, first: date, last: date, most: int) -> list[Margin]:
    """Days, models and tiers at which providers cost more than was paid, the dearest first. One query."""
    groups = ("day", "model", "tier")
    per_usd = Decimal(settings.CREDITS_PER_USD)
    loss = ExpressionWrapper(F("n_cost_nano_usd") * per_usd - F("n_charged_nano"), _IN_NANOCREDITS)
    sums = _between(first, last).values(*groups).annotate(**_totals()).annotate(loss=loss)
    sums = sums.filter(loss__gte=_WORTH_TELLING_USD * per_usd * NANO)
    return [_margin(row, groups) for row in sums.order_by("-loss", *groups)[:most]]


def _between(first: date, last: date) -> QuerySet[MarginStat]:
    return MarginStat.objects.filter(day__gte=first, day__lte=last).order_by()


def _totals() -> dict[str, Any]:
    return {f"n_{name}": Sum(name) for name in _SUMS}


def _margin(row: dict[str, Any], group_by: Sequence[str]) -> Margin:
    sums = {name: int(row[f"n_{name}"] or 0) for name in _SUMS}
    sums["paid_nano"] = sums.pop("charged_nano")
    return Margin(of=tuple(row[name] for name in group_by), **sums)
