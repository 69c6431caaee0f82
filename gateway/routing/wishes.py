"""What a call of /api/v2/llm asks of routing: `routing` and `power_level` in its body, `X-Power-Level`.

Privacy is named as in the catalog or by what it promises: "local" (high), "no-training" (medium), "any" (low).
"""

from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidRequest
from gateway.routing.strategies import STRATEGIES
from llmconfig.models import LLMModel
from opscenter.core.tiers import Tier

PRIVACY = {"low": 0, "any": 0, "medium": 1, "no-training": 1, "high": 2, "local": 2}
LATENCY = {choice: place for place, choice in enumerate(LLMModel.LatencyClass.values)}
"""Fastest first."""

POWER_HEADER = "HTTP_X_POWER_LEVEL"
_NAMES = ("strategy", "privacy", "latency", "max_latency_ms", "tier", "providers", "exclude")
_MOST_NAMES = 50
_MOST_LATENCY_MS = 600_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """None and () are no wish. `tier` is the highest that a model may have; `exclude` names models, too."""

    power_level: str | None = None
    strategy: str | None = None
    privacy: str | None = None
    latency: str | None = None
    max_latency_ms: int | None = None
    tier: str | None = None
    providers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


NO_WISHES = Wishes()


def take(body: dict[str, Any], *, power_level: str | None = None) -> Wishes:
    """Remove them from `body`, whose `power_level` goes before the one given. Raises InvalidRequest (400)."""
    said, level = body.pop("routing", None), body.pop("power_level", None)
    if level is not None and not isinstance(level, str):
        raise InvalidRequest("`power_level` must be a string.", param="power_level")
    level = level or power_level or None
    if said is None:
        return Wishes(power_level=level) if level else NO_WISHES
    if not isinstance(said, dict):
        raise InvalidRequest("`routing` must be an object.", param="routing")
    for name in said:
        if name not in _NAMES:
            raise InvalidRequest(f"`routing` has no `{name[:100]}`: it has {', '.join(_NAMES)}.", param="routing")
    return Wishes(
        power_level=level,
        strategy=_one_of(said, "strategy", STRATEGIES),
        privacy=_one_of(said, "privacy", PRIVACY),
        latency=_one_of(said, "latency", LATENCY),
        max_latency_ms=_milliseconds(said, "max_latency_ms"),
        tier=_one_of(said, "tier", Tier.values),
        providers=_names(said, "providers"),
        exclude=_names(said, "exclude"),
    )


def _one_of(said: dict[str, Any], name: str, known: Any) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value not in known:
        raise _invalid(name, f"one of {', '.join(known)}")
    return value


def _milliseconds(said: dict[str, Any], name: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_LATENCY_MS:
        raise _invalid(name, f"a whole number from 1 to {_MOST_LATENCY_MS}")
    return value


def _names(said: dict[str, Any], name: str) -> tuple[str, ...]:
    value = said.get(name)
    if value is None:
        return ()
    is_list = isinstance(value, list) and 1 <= len(value) <= _MOST_NAMES
    if not is_list or not all(isinstance(one, str) and one for one in value):
        raise _invalid(name, f"a list of 1 to {_MOST_NAMES} names")
    return tuple(value)


def _invalid(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"`routing.{name}` must be {what}.", param=f"routing.{name}")
