"""A circuit breaker per target and process: after a run of failures it is left alone, then probed by one call."""

import time
from dataclasses import dataclass

from django.conf import settings


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    retry_at: float = 0.0
    probing: bool = False


class Breaker:
    """closed -> open after BREAKER_FAILURES in a row -> half-open after BREAKER_OPEN_S -> closed on success."""

    def __init__(self) -> None:
        self._circuits: dict[str, _Circuit] = {}
        self._down: frozenset[str] = frozenset()

    def heed(self, down: frozenset[str]) -> None:
        """What health checks say of all targets: one that has gone down is open at once, one that has come back is
        probed by the next call. Called before each call; it looks closer only where the set is another one.
        """
        if down is self._down:
            return
        for key in down - self._down:
            circuit = self._circuits.setdefault(key, _Circuit())
            circuit.failures = max(circuit.failures, settings.BREAKER_FAILURES)
            circuit.retry_at = time.monotonic() + settings.BREAKER_OPEN_S
        for key in self._down - down:
            if back := self._circuits.get(key):
                back.retry_at = 0.0
        self._down = down

    def admits(self, key: str) -> bool:
        """Whether `key` may be called now. In the half-open state one caller is let through as the probe."""
        circuit = self._circuits.get(key)
        if circuit is None or circuit.failures < settings.BREAKER_FAILURES:
            return True
        if circuit.probing or time.monotonic() < circuit.retry_at:
            return False
        circuit.probing = True
        return True

    def answered(self, key: str) -> None:
        """The target has begun to answer: it may be called again, and its next failure in a row opens it anew."""
        if circuit := self._circuits.get(key):
            circuit.failures = min(circuit.failures, settings.BREAKER_FAILURES - 1)
            circuit.probing = False

    def succeeded(self, key: str) -> None:
        """The answer was complete."""
        self._circuits.pop(key, None)

    def failed(self, key: str) -> None:
        circuit = self._circuits.setdefault(key, _Circuit())
        circuit.failures += 1
        circuit.probing = False
        circuit.retry_at = time.monotonic() + settings.BREAKER_OPEN_S

    def gave_up(self, key: str) -> None:
        """The call ended without saying anything about the target: its probe, if it was one, is free again."""
        if circuit := self._circuits.get(key):
            circuit.probing = False

    def retry_after_s(self, keys: list[str]) -> int:
        """Whole seconds until the first of `keys` is probed."""
        waits = [self._circuits[key].retry_at - time.monotonic() for key in keys if key in self._circuits]
        return max(1, round(min(waits, default=1.0)))

    def states(self) -> dict[str, str]:
        """closed, open or half-open, of every target that has failed since it last succeeded."""
        # A copy, for other threads ask.
        return {key: self._state(circuit) for key, circuit in list(self._circuits.items())}

    @staticmethod
    def _state(circuit: _Circuit) -> str:
        if circuit.failures < settings.BREAKER_FAILURES:
            return "closed"
        return "half-open" if circuit.probing or time.monotonic() >= circuit.retry_at else "open"
