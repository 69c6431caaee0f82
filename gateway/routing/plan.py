"""Whom a call goes to, first choice first, and who was left out by what. Nobody is asked and nothing is taken here."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from credits.snapshot import PowerRate
from gateway.callers import Caller
from gateway.errors import ModelForbidden, NoDeploymentFits
from gateway.routing import rules
from gateway.routing.candidate import Candidate, candidate_of
from gateway.routing.measured import UNSEEN
from gateway.routing.named import meant, whole_catalog
from gateway.routing.power import level_of
from gateway.routing.rules import Rule
from gateway.routing.strategies import STRATEGIES, Dice, Job, Look, Ranked
from gateway.routing.wishes import NO_WISHES, Wishes
from gateway.snapshot import Snapshot
from llmconfig.models import LLMModel
from llmconfig.target import Target
from opscenter.core.errors import ServiceError

_ALONE = "no other of its priority"
_NOBODY: frozenset[str] = frozenset()
# Of the whole catalog: all of them are held for, at the price of the dearest.
_MOST_OF_CATALOG = 8
_OF_CATALOG = LLMModel.Strategy.QUALITY.value
_MOST_TOLD = 50
_USUAL = Job(input_tokens=1000, output_tokens=250)


@dataclass(frozen=True, slots=True)
class Dropped:
    target: Target
    rule: Rule

    def told(self) -> dict[str, str]:
        target = self.target
        return {
            "deployment": target.key,
            "model": target.model_name,
            "provider": target.provider,
            "rule": self.rule.name,
            "reason": self.rule.why(target),
        }


@dataclass(slots=True)
class Plan:
    """`ordered` are those that are asked, of `kept`, by `strategy` in the first place; `behind` the fallback's keys.

    Without anybody left, `refusal` is what the caller is told.
    """

    ordered: tuple[Ranked, ...]
    kept: int
    strategy: str
    dropped: tuple[Dropped, ...] = ()
    behind: frozenset[str] = frozenset()
    refusal: ServiceError | None = None


def candidates(
    snapshot: Snapshot,
    caller: Caller,
    *,
    model: str | None,
    purpose: str,
    credits_per_usd: str,
    wishes: Wishes = NO_WISHES,
    look: Look = lambda _: UNSEEN,
    job: Job = _USUAL,
) -> tuple[Candidate, ...]:
    """Whom to ask, first choice first; never empty.

    Raises ModelNotFound, ModelForbidden, NoDeploymentFits, NoProvider.
    """
    made = plan(
        snapshot,
        caller,
        model=model,
        purpose=purpose,
        credits_per_usd=credits_per_usd,
        wishes=wishes,
        look=look,
        job=job,
    )
    if made.refusal is not None:
        raise made.refusal
    return tuple([ranked.candidate for ranked in made.ordered])


def plan(
    snapshot: Snapshot,
    caller: Caller,
    *,
    model: str | None,
    purpose: str,
    credits_per_usd: str,
    wishes: Wishes = NO_WISHES,
    look: Look = lambda _: UNSEEN,
    job: Job = _USUAL,
    dice: Dice = random.random,
) -> Plan:
    """`model` None leaves the choice to the active provider, and with wishes to the whole catalog.

    Raises ModelNotFound, ModelForbidden (a purpose, or the power level itself), NoProvider.
    """
    if caller.allowed_purposes is not None and purpose not in caller.allowed_purposes:
        raise ModelForbidden(f"This key may not be used for {purpose}.")
    is_open = model is None and wishes is not NO_WISHES
    first, fallback = whole_catalog(snapshot, caller, purpose) if is_open else meant(snapshot, caller, model, purpose)
    level = level_of(snapshot, caller)
    behind = frozenset(target.key for target in fallback) if fallback else _NOBODY
    applied = rules.of_caller(caller, level, model, behind)
    applied += _of_wishes(caller, level, wishes, look, is_open=is_open)
    targets, dropped = _kept([*first, *fallback], applied)
    usual = _OF_CATALOG if is_open else targets[0].strategy if targets else ""
    strategy = wishes.strategy or usual
    if not targets:
        return Plan((), 0, strategy, tuple(dropped), behind, _refusal(dropped))
    ordered: list[Ranked] = []
    for group in _standing(targets, behind, is_open=is_open):
        made = [candidate_of(snapshot, caller, target, credits_per_usd) for target in group]
        ordered += _in_order(made, wishes.strategy or (usual if is_open else group[0].strategy), look, job, dice)
    asked = ordered[:_MOST_OF_CATALOG] if is_open else ordered
    return Plan(tuple(asked), len(ordered), strategy, tuple(dropped), behind)


def _of_wishes(caller: Caller, level: PowerRate, wishes: Wishes, look: Look, *, is_open: bool) -> list[Rule]:
    if wishes is NO_WISHES:
        return []
    applied: list[Rule] = [*rules.of_wishes(wishes, look)]
    if is_open and wishes.power_level:
        applied.append(rules.LeastQuality(caller.power_level, level))
    return applied


def _kept(targets: list[Target], applied: Sequence[Rule]) -> tuple[list[Target], list[Dropped]]:
    """One rule after the other, until nobody is left."""
    dropped: list[Dropped] = []
    for rule in applied:
        kept = [target for target in targets if rule.keeps(target)]
        if len(kept) < len(targets):
            passed = {target.key for target in kept}
            dropped += [Dropped(target, rule) for target in targets if target.key not in passed]
        targets = kept
        if not targets:
            break
    return targets, dropped


def _refusal(dropped: list[Dropped]) -> ServiceError:
    """Who came furthest says what is missing."""
    last = dropped[-1].rule
    told = last.refusal([one.target for one in dropped if one.rule is last])
    if told is not None:
        return told
    counts = Counter(one.rule.name for one in dropped)
    by = ", ".join(f"{number} by {name}" for name, number in counts.items())
    return NoDeploymentFits(
        f"No deployment meets all that this call asks for: {by}. POST /api/v2/llm/routing/explain says more.",
        details={"dropped": [one.told() for one in dropped[:_MOST_TOLD]]},
    )


def _standing(targets: list[Target], behind: frozenset[str], *, is_open: bool) -> Iterator[list[Target]]:
    """Those of equal standing together: own keys first, then by priority, the fallback behind, and behind all those
    that health checks find unhealthy: a check may be wrong, and nobody is refused for it. Priorities of different
    models say nothing.
    """
    if len(targets) == 1:
        yield targets
        return
    groups: dict[tuple[bool, bool, bool, int], list[Target]] = {}
    for target in targets:
        is_platforms = target.owner_id is None
        place = (target.is_down, target.key in behind, is_platforms, 0 if is_open else target.priority)
        groups.setdefault(place, []).append(target)
    for place in sorted(groups):
        yield groups[place]


def _in_order(group: list[Candidate], strategy: str, look: Look, job: Job, dice: Dice) -> list[Ranked]:
    if len(group) == 1:
        return [Ranked(group[0], _ALONE)]
    return STRATEGIES[strategy](group, look, job, dice)
