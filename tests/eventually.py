"""Waiting for something another thread or process does: polling with a deadline, never a bare sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_INTERVAL_S = 0.02
# Most looks cost what they look at some work: the longer it takes, the rarer they are.
RARER = 1 / 20
MOST_INTERVAL_S = 0.2
TIMEOUT_S = 30.0


def eventually(predicate: Callable[[], T], timeout_s: float = TIMEOUT_S, *, what: Callable[[], str] | None = None) -> T:
    """The predicate's first true value. At the deadline AssertionError, saying `what()` and the last value."""
    began = time.monotonic()
    while not (value := predicate()):
        if (waited := time.monotonic() - began) > timeout_s:
            raise AssertionError(_complaint(value, timeout_s, what))
        time.sleep(_interval(waited))
    return value


async def eventually_async(
    predicate: Callable[[], T], timeout_s: float = TIMEOUT_S, *, what: Callable[[], str] | None = None
) -> T:
    """The same without blocking the loop."""
    began = time.monotonic()
    while not (value := predicate()):
        if (waited := time.monotonic() - began) > timeout_s:
            raise AssertionError(_complaint(value, timeout_s, what))
        await asyncio.sleep(_interval(waited))
    return value


def _interval(waited: float) -> float:
    return min(MOST_INTERVAL_S, POLL_INTERVAL_S + waited * RARER)


def _complaint(value: object, timeout_s: float, what: Callable[[], str] | None) -> str:
    reason = what() if what else "It did not come true"
    return f"{reason} (still {value!r} after {timeout_s:g} s)"
