"""What calls have shown of each target: how many are in flight and since when, how long answers take, how many fail.

What was seen counts half as much after HALF_LIFE_S, so that a target which is not asked becomes unknown again. Each
process sees its own calls; what others saw is laid beside it by peers.py, in the background.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

HALF_LIFE_S = 30.0
# Less than half an answer is no knowledge.
_KNOWN = 0.5
_LEAST_SUCCESS = 0.05
_FORGOTTEN = 0.01
_DECAYED_EACH_S = 1.0
# Fewer say more of how long one of them is than of the target.
_ENOUGH_IN_FLIGHT = 8
_STRAINED = 2.0
_FAILING = 0.5
# Many calls in flight that take so many times longer than answers once did are more than a target can do.
_OVERLOADED = 5.0
_ENOUGH_ANSWERS = 4.0
_MOST_DOUBLED = 60.0
BEST_DOUBLES_S = 600.0
"""After so long without an answer as fast, the best that was seen counts as twice as much."""


class Seen(NamedTuple):
    """Times are None where they are unknown; `success` is the share of calls that were answered, above 0.

    `points` say how much is known. `usual_s` is what answers have taken, `waiting_s` how long calls in flight have on
    average: it is the first to tell of a target that slows down or hangs. `best_s` is the least that `usual_s` has
    been, here and of late.
    """

    in_flight: int = 0
    first_byte_s: float | None = None
    per_token_s: float | None = None
    success: float = 1.0
    points: float = 0.0
    usual_s: float | None = None
    waiting_s: float = 0.0
    best_s: float = math.inf

    @property
    def slowdown(self) -> float:
        """How many times longer than usual the calls in flight have been waiting already; 1 where they have not."""
        if self.usual_s is None or self.usual_s <= 0 or self.in_flight < _ENOUGH_IN_FLIGHT:
            return 1.0
        return max(1.0, self.waiting_s / self.usual_s)

    @property
    def is_strained(self) -> bool:
        """Most calls fail there, hang, or take far longer than they did: others go before it all the same."""
        is_overloaded = self.in_flight >= _ENOUGH_IN_FLIGHT and (self.usual_s or 0.0) > _OVERLOADED * self.best_s
        return is_overloaded or self.success < _FAILING or self.slowdown > _STRAINED

    def duration_s(self, tokens: int) -> float | None:
        """Of a whole answer of so many tokens."""
        if self.first_byte_s is None or self.per_token_s is None:
            return None
        return self.first_byte_s + self.per_token_s * tokens


UNSEEN = Seen()


@dataclass(slots=True)
class Sums:
    """Decayed sums over answers, from which a line of duration by tokens follows; sums of several processes add up.

    A stream gives two points, its first byte at 0 tokens and its end; a plain answer gives one.
    """

    points: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    tokens_squared: float = 0.0
    tokens_seconds: float = 0.0
    answered: float = 0.0
    failed: float = 0.0
    took: float = 0.0

    def decay(self, seconds: float) -> None:
        factor = 0.5 ** (seconds / HALF_LIFE_S)
        self.points *= factor
        self.tokens *= factor
        self.seconds *= factor
        self.tokens_squared *= factor
        self.tokens_seconds *= factor
        self.answered *= factor
        self.failed *= factor
        self.took *= factor

    def point(self, tokens: int, seconds: float) -> None:
        self.points += 1.0
        self.tokens += tokens
        self.seconds += seconds
        self.tokens_squared += tokens * tokens
        self.tokens_seconds += tokens * seconds

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in _SUMS))

    def line(self) -> tuple[float, float] | None:
        """(seconds to the first byte, seconds a token) by least squares, neither below 0; None: unknown."""
        if self.points < _KNOWN:
            return None
        spread = self.points * self.tokens_squared - self.tokens * self.tokens
        mean_s, mean_tokens = self.seconds / self.points, self.tokens / self.points
        if spread <= 1e-6 * self.points * self.points:
            return mean_s, 0.0
        slope = max(0.0, (self.points * self.tokens_seconds - self.tokens * self.seconds) / spread)
        first = mean_s - slope * mean_tokens
        return (first, slope) if first >= 0 else (0.0, mean_s / mean_tokens)

    @property
    def usual_s(self) -> float | None:
        return self.took / self.answered if self.answered >= _KNOWN else None

    @property
    def success(self) -> float:
        """One answer more than there were is taken for granted, lest a first failure says everything."""
        return max(_LEAST_SUCCESS, 1.0 - self.failed / (1.0 + self.answered + self.failed))


_SUMS = tuple(one.name for one in fields(Sums))
Told = tuple[int, float, tuple[float, ...]]
"""Calls in flight, the sum of their ages and the sums of one target, as processes tell each other."""


@dataclass(slots=True)
class _Own:
    sums: Sums
    at: float
    in_flight: int = 0
    began: float = 0.0
    best_s: float = math.inf
    best_at: float = 0.0

    def note_best(self) -> None:
        """After an answer. What was best long ago counts for less."""
        if self.sums.answered >= _ENOUGH_ANSWERS:
            doubled = min(_MOST_DOUBLED, (self.at - self.best_at) / BEST_DOUBLES_S)
            drifted_s = self.best_s * 2.0**doubled
            self.best_s, self.best_at = min(drifted_s, self.sums.took / self.sums.answered), self.at

    def now(self, now: float) -> Sums:
        if now - self.at > _DECAYED_EACH_S:
            self.sums.decay(now - self.at)
            self.at = now
        return self.sums


class Measured:
    """One per process; keys are those of targets. Everything is a look into a dictionary: nothing here waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._own: dict[str, _Own] = {}
        self._others: dict[str, tuple[int, float, Sums]] = {}

    def began(self, key: str, at: float) -> None:
        """`at` is of the clock, and what let_go() is told."""
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = _Own(Sums(), at)
        own.in_flight += 1
        own.began += at

    def let_go(self, key: str, at: float) -> None:
        """The call that began then has ended; whether it says anything about the target is told besides."""
        if own := self._own.get(key):
            own.in_flight -= 1
            own.began -= at

    def first_byte(self, key: str, seconds: float) -> None:
        self._sums(key).point(0, seconds)

    def answered(self, key: str, *, tokens: int, seconds: float) -> None:
        sums = self._sums(key)
        sums.point(tokens, seconds)
        sums.answered += 1.0
        sums.took += seconds
        self._own[key].note_best()

    def failed(self, key: str) -> None:
        self._sums(key).failed += 1.0

    def seen(self, key: str) -> Seen:
        """By this process and those that it hears of."""
        own, others = self._own.get(key), self._others.get(key)
        if own is None and others is None:
            return UNSEEN
        now = self._clock()
        in_flight, ages_s, sums, best_s = 0, 0.0, Sums(), math.inf
        if own is not None:
            best_s = own.best_s
            in_flight, ages_s, sums = own.in_flight, own.in_flight * now - own.began, own.now(now)
        if others is not None:
            in_flight, ages_s, sums = in_flight + others[0], ages_s + others[1], others[2].plus(sums)
        first_byte_s, per_token_s = sums.line() or (None, None)
        waiting_s = ages_s / in_flight if in_flight else 0.0
        return Seen(in_flight, first_byte_s, per_token_s, sums.success, sums.points, sums.usual_s, waiting_s, best_s)

    def tell(self) -> dict[str, Told]:
        """What this process itself has seen; what nothing is left of is forgotten."""
        now = self._clock()
        told: dict[str, Told] = {}
        for key, own in list(self._own.items()):
            sums = own.now(now)
            if own.in_flight <= 0 and sums.points + sums.failed < _FORGOTTEN:
                del self._own[key]
            else:
                ages_s = own.in_flight * now - own.began
                told[key] = own.in_flight, ages_s, tuple(getattr(sums, name) for name in _SUMS)
        return told

    def hear(self, peers: Iterable[Mapping[str, Told]]) -> None:
        """What all other processes see now; it takes the place of what they saw before."""
        others: dict[str, tuple[int, float, Sums]] = {}
        for peer in peers:
            for key, (in_flight, ages_s, values) in peer.items():
                calls, together_s, sums = others.get(key) or (0, 0.0, Sums())
                others[key] = calls + in_flight, together_s + ages_s, sums.plus(Sums(*values))
        self._others = others

    def _sums(self, key: str) -> Sums:
        now = self._clock()
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = _Own(Sums(), now)
        return own.now(now)
