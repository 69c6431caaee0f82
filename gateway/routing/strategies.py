"""In which order those of equal standing are asked: pure functions of what is known of them.

A strategy takes candidates, what was seen of them, the job and dice, and returns all of them, each with the facts that
placed it. Priorities, fallbacks and health were looked at before.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from gateway.ask import Ask
from gateway.pricing import TokenRates
from gateway.routing.candidate import Candidate
from gateway.routing.measured import Seen
from llmconfig.models import LLMModel
from llmconfig.target import Target

EXPLORED_SHARE = 0.02
"""Of the calls that look for the fastest: so many go to whom least is known of, lest it recovers unseen."""

_BYTES_PER_TOKEN = 4
_USUAL_OUTPUT = 250
_MOST_OUTPUT = 1000
_AS_FAST = 1.2
_FAR_LONGER = 8.0
_TROUBLES = "", ", in trouble and so behind"
_UNPROVEN = "not measured of late: asked behind those that are, and first by a few calls"
_EXPLORED = "explored: one of a few calls that keep the figures of slower ones fresh"

Look = Callable[[str], Seen]
Dice = Callable[[], float]
"""From 0 to 1, without 1."""


class Job(NamedTuple):
    """What a call is likely to need."""

    input_tokens: int
    output_tokens: int
    searches: int = 0

    @classmethod
    def of(cls, ask: Ask) -> Self:
        """Few calls use all that they may."""
        output_tokens = min(ask.max_tokens or _USUAL_OUTPUT, _MOST_OUTPUT) if ask.choices else 0
        return cls(ask.input_bound // _BYTES_PER_TOKEN, output_tokens, ask.searches)

    def cost_nano(self, rates: TokenRates) -> int:
        return rates.most_nano(input_tokens=self.input_tokens, output_tokens=self.output_tokens, searches=self.searches)


class Ranked(NamedTuple):
    """`says` is a template for `facts`: most reasons are never read."""

    candidate: Candidate
    says: str
    facts: tuple[Any, ...] = ()

    @property
    def reason(self) -> str:
        return self.says.format(*self.facts)


Strategy = Callable[[Sequence[Candidate], Look, Job, Dice], list[Ranked]]


def weighted(group: Sequence[Candidate], look: Look, job: Job, dice: Dice) -> list[Ranked]:
    """At random, each with a chance of its weight."""
    ordered = sorted(group, key=lambda candidate: _race(candidate.target, dice))
    return [Ranked(one, "drawn by weight ({})", (one.target.weight,)) for one in ordered]


def least_busy(group: Sequence[Candidate], look: Look, job: Job, dice: Dice) -> list[Ranked]:
    """Fewest calls in flight for its weight. What fails is never busy, and so counts as busier."""
    ranked = []
    for one in group:
        seen = look(one.target.key)
        load = (seen.in_flight + 1) / max(1, one.target.weight) / seen.success
        facts = seen.in_flight, one.target.weight, 100 * seen.success
        says = "{} calls in flight at weight {}, {:.0f} % answered of late"
        ranked.append(((load, _race(one.target, dice)), Ranked(one, says, facts)))
    return _sorted(ranked)


def lowest_latency(group: Sequence[Candidate], look: Look, job: Job, dice: Dice) -> list[Ranked]:
    """Shortest expected time, failures and calls that hang counted in; of those about as fast the least busy.

    Who is unknown comes behind. A bounded share of calls goes to the one that least is known of.
    """
    seen = [(look(one.target.key), one) for one in group]
    known = [(expected, sight, one) for sight, one in seen if (expected := _expected_s(sight, job)) is not None]
    unknown = [(_race(one.target, dice), Ranked(one, _UNPROVEN)) for sight, one in seen if sight.first_byte_s is None]
    ordered = [*_fastest_first(known, dice), *_sorted(unknown)]
    if known and dice() < EXPLORED_SHARE:
        least_known = min(seen, key=lambda pair: (pair[0].points, _race(pair[1].target, dice)))[1]
        others = [ranked for ranked in ordered if ranked.candidate is not least_known]
        return [Ranked(least_known, _EXPLORED), *others]
    return ordered


def _expected_s(seen: Seen, job: Job) -> float | None:
    duration_s = seen.duration_s(job.output_tokens)
    return None if duration_s is None else duration_s * seen.slowdown / seen.success


def _fastest_first(known: list[tuple[float, Seen, Candidate]], dice: Dice) -> list[Ranked]:
    as_fast_s = min((expected_s for expected_s, _, _ in known), default=0.0) * _AS_FAST
    ranked = []
    for expected_s, seen, one in known:
        busy = (seen.in_flight + 1) / max(1, one.target.weight)
        place = (0.0, busy) if expected_s <= as_fast_s else (expected_s, busy)
        facts = 1000 * expected_s, 1000 * (seen.first_byte_s or 0), 1000 * (seen.per_token_s or 0), seen.in_flight
        says = "{:.0f} ms expected (first byte {:.0f} ms, {:.1f} ms a token), {} in flight"
        ranked.append(((*place, _race(one.target, dice)), Ranked(one, says, facts)))
    return _sorted(ranked)


def cost_aware(group: Sequence[Candidate], look: Look, job: Job, dice: Dice) -> list[Ranked]:
    """The least credits, then the least cost to the operator; behind them, however cheap, who is in trouble."""
    ranked = []
    for one, seen, is_in_trouble in _with_troubles(group, look, job):
        nano = job.cost_nano(one.rates)
        at_cost = job.cost_nano(one.at_cost)
        place = is_in_trouble, nano, at_cost, _race(one.target, dice)
        facts = nano / 1e9, job.input_tokens, job.output_tokens, _TROUBLES[is_in_trouble], 100 * seen.success
        ranked.append((place, Ranked(one, "{:.6g} credits for {} tokens and {} of output{}, {:.0f} % answered", facts)))
    return _sorted(ranked)


def quality(group: Sequence[Candidate], look: Look, job: Job, dice: Dice) -> list[Ranked]:
    """The power level's own providers, the best score, then the least credits; behind them who is in trouble."""
    ranked = []
    for one, seen, is_in_trouble in _with_troubles(group, look, job):
        score = one.target.quality_score
        nano = job.cost_nano(one.rates)
        place = is_in_trouble, not one.is_preferred, -(score or 0), nano, _race(one.target, dice)
        whose, known = "a" if one.is_preferred else "no", "unknown" if score is None else score
        facts = whose, known, _TROUBLES[is_in_trouble], 100 * seen.success
        ranked.append((place, Ranked(one, "{} provider of the power level, quality {}{}, {:.0f} % answered", facts)))
    return _sorted(ranked)


def _with_troubles(group: Sequence[Candidate], look: Look, job: Job) -> list[tuple[Candidate, Seen, bool]]:
    """Each with what was seen of it, and whether most calls fail or hang there, or take far longer than elsewhere."""
    seen = [(one, look(one.target.key)) for one in group]
    expected_s = {one.target.key: _expected_s(sight, job) for one, sight in seen}
    far_longer_s = _FAR_LONGER * min((value for value in expected_s.values() if value is not None), default=0.0)
    return [(one, sight, sight.is_strained or (expected_s[one.target.key] or 0) > far_longer_s) for one, sight in seen]


STRATEGIES: dict[str, Strategy] = {
    LLMModel.Strategy.WEIGHTED.value: weighted,
    LLMModel.Strategy.LEAST_BUSY.value: least_busy,
    LLMModel.Strategy.LOWEST_LATENCY.value: lowest_latency,
    LLMModel.Strategy.COST_AWARE.value: cost_aware,
    LLMModel.Strategy.QUALITY.value: quality,
}


def _sorted(ranked: list[tuple[Any, Ranked]]) -> list[Ranked]:
    return [one for _, one in sorted(ranked, key=lambda item: item[0])]


def _race(target: Target, dice: Dice) -> float:
    """An exponential race: the one with weight w comes first with probability w / sum of weights."""
    return -math.log(1.0 - dice()) / target.weight if target.weight > 0 else math.inf
