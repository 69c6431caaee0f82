"""A circuit breaker per target and process: after a run of failures it is left alone, then probed by one call.

What has opened in one process opens in the others with the next exchange between them (routing/peers.py). Each probes
by itself, and whoever finds the target well tells nothing: the others stop to hear that it is open.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    retry_at: float = 0.0
    probing: bool = False
    opened_here: int = 0


_MOST_KEPT = 10_000

Opening = tuple[int, float]
"""Which one it is of a process and target, and the seconds until the target is probed."""


class Breaker:
    """closed -> open after BREAKER_FAILURES in a row -> half-open after BREAKER_OPEN_S -> closed on success."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._down: frozenset[str] = frozenset()
        self._openings = 0
        self._heard: dict[tuple[str, str], int] = {}

    def heed(self, down: frozenset[str]) -> None:
        """What health checks say of all targets: one that has gone down is open at once, one that has come back is
        probed by the next call. Called before each call; it looks closer only where the set is another one.
        """
        if down is self._down:
            return
        for key in down - self._down:
            self._open_until(key, self._clock() + settings.BREAKER_OPEN_S)
        for key in self._down - down:
            if back := self._circuits.get(key):
                back.retry_at = 0.0
        self._down = down

    def tell(self) -> dict[str, Opening]:
        """What calls of this process have opened. What was only heard of is not passed on: it would never end."""
        now = self._clock()
        return {
            key: (circuit.opened_here, max(0.0, circuit.retry_at - now))
            for key, circuit in self._circuits.items()
            if circuit.opened_here and circuit.failures >= settings.BREAKER_FAILURES
        }

    def hear(self, peers: Mapping[str, Mapping[str, Opening]]) -> None:
        """What is open elsewhere, by process. An opening counts once; one that no process has any more is over, and the
        target is probed by the next call.
        """
        said = {(peer, key): opening for peer, openings in peers.items() for key, opening in openings.items()}
        for at, (number, left_s) in said.items():
            if self._heard.get(at) != number and left_s > 0:
                self._open_until(at[1], self._clock() + left_s)
        still_open = {key for _, key in said}
        for _, key in self._heard.keys() - said.keys():
            circuit = self._circuits.get(key)
            if key not in still_open and key not in self._down and circuit and not circuit.opened_here:
                circuit.retry_at = 0.0
        self._heard = {at: number for at, (number, _) in said.items()}

    def _open_until(self, key: str, retry_at: float) -> None:
        circuit = self._circuits.setdefault(key, _Circuit())
        circuit.failures = max(circuit.failures, settings.BREAKER_FAILURES)
        circuit.retry_at = max(circuit.retry_at, retry_at)

    def admits(self, key: str) -> bool:
        """Whether `key` may be called now. In the half-open state one caller is let through as the probe."""
        circuit = self._circuits.get(key)
        if circuit is None or circuit.failures < settings.BREAKER_FAILURES:
            return True
        if circuit.probing or self._clock() < circuit.retry_at:
            return False
        circuit.probing = True
        return True

    def answered(self, key: str) -> None:
        """The target has begun to answer: it may be called again, and its next failure in a row opens it anew."""
        if circuit := self._circuits.get(key):
            circuit.failures = min(circuit.failures, settings.BREAKER_FAILURES - 1)
            circuit.probing = False
            circuit.opened_here = 0

    def succeeded(self, key: str) -> None:
        """The answer was complete."""
        self._circuits.pop(key, None)

    def failed(self, key: str) -> None:
        circuit = self._circuits.get(key) or self._new(key)
        circuit.failures += 1
        circuit.probing = False
        circuit.retry_at = self._clock() + settings.BREAKER_OPEN_S
        if circuit.failures >= settings.BREAKER_FAILURES:
            self._openings += 1
            circuit.opened_here = self._openings

    def _new(self, key: str) -> _Circuit:
        """Of very many those are forgotten that could be tried again: keys that nobody calls by any more, mostly."""
        if len(self._circuits) >= _MOST_KEPT:
            now = self._clock()
            for other in [other for other, circuit in self._circuits.items() if circuit.retry_at <= now]:
                del self._circuits[other]
        return self._circuits.setdefault(key, _Circuit())

    def gave_up(self, key: str) -> None:
        """The call ended without saying anything about the target: its probe, if it was one, is free again."""
        if circuit := self._circuits.get(key):
            circuit.probing = False

    def retry_after_s(self, keys: list[str]) -> int:
        """Whole seconds until the first of `keys` is probed."""
        waits = [self._circuits[key].retry_at - self._clock() for key in keys if key in self._circuits]
        return max(1, round(min(waits, default=1.0)))

    def states(self) -> dict[str, str]:
        """closed, open or half-open, of every target that has failed since it last succeeded."""
        # A copy, for other threads ask.
        return {key: self._state(circuit) for key, circuit in list(self._circuits.items())}

    def _state(self, circuit: _Circuit) -> str:
        if circuit.failures < settings.BREAKER_FAILURES:
            return "closed"
        return "half-open" if circuit.probing or self._clock() >= circuit.retry_at else "open"
