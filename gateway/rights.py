"""What a key may do: what its own settings say, within what those say that it was made under.

The same rule at issue, where excess is refused, and in use, where it is of no effect: an ancestor that is narrowed
later narrows all that were made under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from credits.periods import DAY, MONTH, WEEK
from credits.snapshot import PowerRate
from gateway.families import Line
from gateway.models import VirtualKey
from opscenter.core.limits import Limits
from opscenter.core.models import LIMIT_FIELDS

Levels = Mapping[str, PowerRate]

_MOST_PERIODS = {(DAY, WEEK): 7, (DAY, MONTH): 31, (WEEK, MONTH): 6}


class BudgetOf(NamedTuple):
    credits: Decimal
    period: str

    def most_in(self, period: str) -> Decimal:
        """What it lets through within one such period at most. A month touches six weeks."""
        return self.credits * _MOST_PERIODS.get((self.period, period), 1)


@dataclass(frozen=True, slots=True)
class Rights:
    """None is no restriction. Calls count against every one of `budgets`."""

    allowed_models: frozenset[str] | None
    allowed_purposes: frozenset[str] | None
    power_level: str
    environment: str
    limits: Limits
    budgets: tuple[BudgetOf, ...]
    expires_at: datetime | None


def own(key: VirtualKey) -> Rights:
    """What `key` says by itself."""
    budget = key.budget_credits
    return Rights(
        allowed_models=_as_set(key.allowed_models),
        allowed_purposes=_as_set(key.allowed_purposes),
        power_level=key.power_level,
        environment=key.environment,
        limits=key.limits,
        budgets=() if budget is None else (BudgetOf(budget, key.budget_period),),
        expires_at=key.expires_at,
    )


def of_line(line: Line, levels: Levels) -> Rights:
    """What the first of `line` may do."""
    rights = own(line[-1])
    for key in reversed(line[:-1]):
        rights = narrowed(own(key), rights, levels)
    return rights


def narrowed(asked: Rights, bounds: Rights, levels: Levels) -> Rights:
    """`asked` as far as `bounds` reach. A power level beyond becomes that of `bounds`; one that is gone stays gone."""
    is_kept = asked.power_level not in levels or is_within(asked.power_level, bounds.power_level, levels)
    return Rights(
        allowed_models=_common(asked.allowed_models, bounds.allowed_models),
        allowed_purposes=_common(asked.allowed_purposes, bounds.allowed_purposes),
        power_level=asked.power_level if is_kept else bounds.power_level,
        environment=bounds.environment,
        limits=Limits(**{name: _least(asked.limits, bounds.limits, name) for name in LIMIT_FIELDS}),
        budgets=asked.budgets + bounds.budgets,
        expires_at=min((end for end in (asked.expires_at, bounds.expires_at) if end), default=None),
    )


def is_within(level: str, bound: str, levels: Levels) -> bool:
    """Whether nothing is to be had at `level` that isn't at `bound`."""
    if level == bound:
        return True
    lower, upper = levels.get(level), levels.get(bound)
    if lower is None or upper is None:
        return False
    reaches_no_further = not upper.strict or (lower.strict and set(lower.providers) <= set(upper.providers))
    return (
        lower.multiplier <= upper.multiplier
        and lower.max_output_tokens <= upper.max_output_tokens
        and reaches_no_further
    )


def excess(asked: Rights, bounds: Rights, levels: Levels) -> dict[str, str]:
    """By field, how `asked` goes beyond `bounds`, which stay in force beside it: what it leaves open they decide."""
    limits = {name: (getattr(asked.limits, name), getattr(bounds.limits, name)) for name in LIMIT_FIELDS}
    found = {
        "allowed_models": _beyond(asked.allowed_models, bounds.allowed_models),
        "allowed_purposes": _beyond(asked.allowed_purposes, bounds.allowed_purposes),
        "power_level": ""
        if is_within(asked.power_level, bounds.power_level, levels)
        else f"{asked.power_level} goes beyond {bounds.power_level}.",
        "environment": "" if asked.environment == bounds.environment else f"It has to be {bounds.environment}.",
        "budget_credits": _beyond_budgets(asked, bounds),
        "expires_at": f"It has to end by {bounds.expires_at:%Y-%m-%dT%H:%M:%SZ}."
        if asked.expires_at and bounds.expires_at and asked.expires_at > bounds.expires_at
        else "",
    } | {
        name: f"At most {most}." if value is not None and most is not None and value > most else ""
        for name, (value, most) in limits.items()
    }
    return {field: sentence for field, sentence in found.items() if sentence}


def widening(after: Rights, before: Rights, levels: Levels) -> dict[str, str]:
    """By field, how `after`, which takes the place of `before`, lets more through."""
    opened = {
        field: "It may not be left open."
        for field in ("allowed_models", "allowed_purposes", "expires_at")
        if getattr(after, field) is None and getattr(before, field) is not None
    } | {
        name: "It may not be left open."
        for name in LIMIT_FIELDS
        if getattr(after.limits, name) is None and getattr(before.limits, name) is not None
    }
    # A period's sum says nothing about the days within it, nor the days' about the sum.
    if before.budgets and [budget.period for budget in after.budgets] != [budget.period for budget in before.budgets]:
        opened["budget_credits"] = "It may neither be left open nor be for another period."
    return excess(after, before, levels) | opened


def _as_set(names: list[str] | None) -> frozenset[str] | None:
    return frozenset(names) if names else None


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _least(one: Limits, other: Limits, name: str) -> int | None:
    return min((value for value in (getattr(one, name), getattr(other, name)) if value is not None), default=None)


def _beyond(asked: frozenset[str] | None, bounds: frozenset[str] | None) -> str:
    beyond = sorted(asked - bounds) if asked is not None and bounds is not None else []
    return f"Not within the key's bounds: {', '.join(beyond[:10])}." if beyond else ""


def _beyond_budgets(asked: Rights, bounds: Rights) -> str:
    for budget in asked.budgets:
        for bound in bounds.budgets:
            most = bound.most_in(budget.period)
            if budget.credits > most:
                return f"At most {most:f} per {budget.period}."
    return ""
