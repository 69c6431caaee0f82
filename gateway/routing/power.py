"""The power level of one call: its key's, or a lesser one that the call asks for."""

from dataclasses import replace

from credits.snapshot import PowerRate
from gateway.callers import Caller
from gateway.errors import ModelForbidden
from gateway.rights import is_within
from gateway.snapshot import Snapshot


def at_level(snapshot: Snapshot, caller: Caller, wanted: str | None) -> Caller:
    """`caller` at the level that the call asks for. Raises ModelForbidden (403) where the key does not reach it."""
    if wanted is None or wanted == caller.power_level:
        return caller
    levels = snapshot.rates.power_levels
    if wanted not in levels:
        raise ModelForbidden(
            f"There is no power level `{wanted[:100]}`: there is {', '.join(levels)}.",
            code="power_level_unknown",
            param="power_level",
        )
    if not is_within(wanted, caller.power_level, levels):
        raise ModelForbidden(
            f"This key's power level is {caller.power_level}, and {wanted} goes beyond it.",
            code="power_level_too_high",
            param="power_level",
            details={"power_level": caller.power_level},
        )
    return replace(caller, power_level=wanted)


def level_of(snapshot: Snapshot, caller: Caller) -> PowerRate:
    """Raises ModelForbidden (403) where it has been removed."""
    level = snapshot.rates.power_levels.get(caller.power_level)
    if level is None:
        raise ModelForbidden(
            f"This key's power level, {caller.power_level}, does not exist any more: ask whoever issued it.",
            code="power_level_missing",
        )
    return level
