"""Waiting for something another thread or process does: polling with a deadline, never a bare sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_INTERVAL_S = 0.02
TIMEOUT_S = 10.0


def eventually(predicate: Callable[[], T], timeout_s: float = TIMEOUT_S, *, what: Callable[[], str] | None = None) -> T:
    """The predicate's first true value. At the deadline AssertionError, saying `what()` and the last value."""
    deadline = time.monotonic() + timeout_s
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(_complaint(value, timeout_s, what))
        time.sleep(POLL_INTERVAL_S)
    return value


async def eventually_async(
    predicate: Callable[[], T], timeout_s: float = TIMEOUT_S, *, what: Callable[[], str] | None = None
) -> T:
    """The same without blocking the loop."""
    deadline = time.monotonic() + timeout_s
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(_complaint(value, timeout_s, what))
        await asyncio.sleep(POLL_INTERVAL_S)
    return value


def _complaint(value: object, timeout_s: float, what: Callable[[], str] | None) -> str:
    reason = what() if what else "It did not come true"
    return f"{reason} (still {value!r} after {timeout_s:g} s)"
