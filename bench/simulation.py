"""Many calls over simulated deployments by the product's own strategies, measurements and breaker, on a virtual clock.

The same seed gives the same calls to each strategy. Nothing is sent and nobody waits.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench.places import PLACES, Place, candidate
from gateway.breaker import Breaker
from gateway.routing import Candidate
from gateway.routing.measured import Measured
from gateway.routing.strategies import Job, Strategy

CALLS_A_SECOND = 20.0
_INPUT_TOKENS = 500
_USUAL_TOKENS = 250


@dataclass(slots=True)
class Outcome:
    """What became of the calls that one strategy placed. Durations are of answered calls, from their arrival on."""

    calls: int = 0
    answered: int = 0
    attempts: int = 0
    durations_s: list[float] = field(default_factory=list)
    cost_usd: float = 0.0
    quality: float = 0.0
    answers: list[tuple[float, str]] = field(default_factory=list)

    @property
    def success(self) -> float:
        return self.answered / self.calls

    @property
    def usd_per_1000(self) -> float:
        return 1000 * self.cost_usd / self.answered

    @property
    def mean_quality(self) -> float:
        return self.quality / self.answered

    def percentile_s(self, percent: float) -> float:
        ordered = sorted(self.durations_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def shares(self, begin_s: float = 0.0, end_s: float = float("inf")) -> dict[str, float]:
        """Of the answers to calls that arrived between the two."""
        counted = Counter(name for at, name in self.answers if begin_s <= at < end_s)
        return {name: number / counted.total() for name, number in counted.items()}


@dataclass(slots=True)
class _Call:
    arrived_s: float
    tokens: int
    left: list[Candidate]


class Simulation:
    """`run` takes `calls` calls, which arrive at random, to the end of the last."""

    def __init__(self, strategy: Strategy, *, seed: int, places: Sequence[Place] = PLACES) -> None:
        self.outcome = Outcome()
        self._strategy = strategy
        self._places = {place.name: place for place in places}
        self._candidates = [candidate(place) for place in places]
        self._now = 0.0
        self._luck, self._dice = Random(seed), Random(seed + 1)
        self._measured = Measured(lambda: self._now)
        self._breaker = Breaker(lambda: self._now)
        self._in_flight: Counter[str] = Counter()
        self._events: list[tuple[float, int, _Call, str, float, bool]] = []
        self._numbers = itertools.count()

    def run(self, calls: int) -> Outcome:
        arrival_s = 0.0
        for _ in range(calls):
            arrival_s += self._luck.expovariate(CALLS_A_SECOND)
            self._until(arrival_s)
            self._now = arrival_s
            tokens = max(1, int(self._luck.expovariate(1 / _USUAL_TOKENS)))
            ordered = self._strategy(
                self._candidates, self._measured.seen, Job(_INPUT_TOKENS, _USUAL_TOKENS), self._dice.random
            )
            self.outcome.calls += 1
            self._ask_next(_Call(arrival_s, tokens, [ranked.candidate for ranked in ordered]))
        self._until(float("inf"))
        return self.outcome

    def _until(self, end_s: float) -> None:
        while self._events and self._events[0][0] <= end_s:
            self._now, _, call, name, began_s, is_answered = heapq.heappop(self._events)
            self._ended(call, name, began_s, is_answered=is_answered)

    def _ask_next(self, call: _Call) -> None:
        while call.left:
            name = call.left.pop(0).target.key
            if self._breaker.admits(name):
                self._ask(call, name)
                return

    def _ask(self, call: _Call, name: str) -> None:
        self._measured.began(name, self._now)
        self._in_flight[name] += 1
        self.outcome.attempts += 1
        seconds, is_answered = self._places[name].outcome(
            self._now, tokens=call.tokens, in_flight=self._in_flight[name], luck=self._luck
        )
        event = self._now + seconds, next(self._numbers), call, name, self._now, is_answered
        heapq.heappush(self._events, event)

    def _ended(self, call: _Call, name: str, began_s: float, *, is_answered: bool) -> None:
        self._measured.let_go(name, began_s)
        self._in_flight[name] -= 1
        if not is_answered:
            self._measured.failed(name)
            self._breaker.failed(name)
            self._ask_next(call)
            return
        self._measured.answered(name, tokens=call.tokens, seconds=self._now - began_s)
        self._breaker.answered(name)
        self._breaker.succeeded(name)
        self._count(call, self._places[name])

    def _count(self, call: _Call, place: Place) -> None:
        outcome = self.outcome
        outcome.answered += 1
        outcome.durations_s.append(self._now - call.arrived_s)
        outcome.cost_usd += (_INPUT_TOKENS + call.tokens) * float(place.usd_per_mtok) / 1e6
        outcome.quality += float(place.quality)
        outcome.answers.append((call.arrived_s, place.name))
