"""What the inner calls of a composed call can come to, before any of them is made (docs/adr/0032)."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.conf import settings

from gateway.routing import Candidate

BYTES_PER_TOKEN = 8
"""The most text that a token of an answer is taken for where a later call hears it; prose has four or five."""
MESSAGE_ALLOWANCE = 64
"""Tokens for what stands around such an answer."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An inner call. `input_bound` is the most tokens that its own text can be; to it come the answers of the calls at
    the places in `hears`. Each choice has from `least` to `most` tokens of output; None: as many as a candidate gives.
    """

    candidates: tuple[Candidate, ...]
    input_bound: int
    most: int | None
    least: int
    media: int = 0
    choices: int = 1
    hears: tuple[int, ...] = ()

    def output(self, candidate: Candidate, level: int | None) -> int:
        cap = min(self.most or candidate.output_cap, candidate.output_cap)
        return cap if level is None else min(cap, max(self.least, level))

    def longest(self, level: int | None) -> int:
        """The most tokens that any candidate may answer with, over all choices."""
        return self.choices * max(self.output(candidate, level) for candidate in self.candidates)

    def cost(self, level: int | None, heard: int) -> int:
        """The most nanocredits, where `heard` tokens of answers are in its input."""
        return max(self.cost_at(one, level, heard) for one in self.candidates)

    def cost_at(self, candidate: Candidate, level: int | None, heard: int) -> int:
        return candidate.rates.most_nano(
            input_tokens=self._input(candidate, heard), output_tokens=self.choices * self.output(candidate, level)
        )

    def input(self, heard: int) -> int:
        """The most tokens of input."""
        return max(self._input(one, heard) for one in self.candidates)

    def tokens(self, level: int | None, heard: int) -> int:
        return max(self._input(one, heard) + self.choices * self.output(one, level) for one in self.candidates)

    def _input(self, candidate: Candidate, heard: int) -> int:
        bound: int = self.input_bound + self.media * settings.IMAGE_TOKEN_ALLOWANCE + heard
        window = candidate.target.context_window
        return min(bound, window) if window else bound


@dataclass(frozen=True, slots=True)
class Plan:
    """The inner calls in their order. `level` is what each call's output is shortened to, as far as its own least
    and most allow; None is as planned. All of its sums grow with the level.
    """

    calls: tuple[Planned, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Of all calls, each once; those of the last call, which answers, come first."""
        return tuple({one.target.key: one for call in reversed(self.calls) for one in call.candidates}.values())

    def costs(self, level: int | None = None) -> list[int]:
        """The most nanocredits of each call."""
        return [call.cost(level, self._heard(call, level)) for call in self.calls]

    def cost(self, level: int | None = None) -> int:
        return sum(self.costs(level))

    def tokens(self, level: int | None = None) -> int:
        return sum(call.tokens(level, self._heard(call, level)) for call in self.calls)

    def input(self, level: int | None = None) -> int:
        """The most tokens of input of all calls."""
        return sum(call.input(self._heard(call, level)) for call in self.calls)

    def cost_at(self, candidate: Candidate, level: int | None = None) -> int:
        """The most nanocredits of the calls that may go to `candidate`, did all of them go there."""
        return sum(call.cost_at(one, level, self._heard(call, level)) for call, one in self._to(candidate))

    def output_at(self, candidate: Candidate, level: int | None = None) -> int:
        """The most tokens that these may be answered with."""
        return sum(call.choices * call.output(one, level) for call, one in self._to(candidate))

    def level_of(self, measure: Callable[[int | None], int], amount: int) -> int | None:
        """The greatest level at which `measure` is at most `amount`: None where it is so without one, 0 even where it
        never is.
        """
        if measure(None) <= amount:
            return None
        low, high = 0, max(call.longest(None) for call in self.calls)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if measure(middle) <= amount else (low, middle - 1)
        return low

    def free(self) -> "Plan | None":
        """Of each call the candidates that cost nothing; None where one has none."""
        kept = [tuple(one for one in call.candidates if one.rates.is_free) for call in self.calls]
        if not all(kept):
            return None
        return Plan(tuple(replace(call, candidates=free) for call, free in zip(self.calls, kept, strict=True)))

    def with_last(self, most: int) -> "Plan":
        """Whose last call was asked for `most` tokens in so many words."""
        return Plan((*self.calls[:-1], replace(self.calls[-1], most=most, least=most)))

    def _to(self, candidate: Candidate) -> Iterator[tuple[Planned, Candidate]]:
        key = candidate.target.key
        return ((call, one) for call in self.calls for one in call.candidates if one.target.key == key)

    def _heard(self, call: Planned, level: int | None) -> int:
        return sum(
            often * (self.calls[place].longest(level) * BYTES_PER_TOKEN + MESSAGE_ALLOWANCE)
            for place, often in Counter(call.hears).items()
        )
