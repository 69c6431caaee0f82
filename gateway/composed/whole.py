"""A composed call: one request to its consumer, with one hold and one bill, made of several calls of models."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from credits.ledger.moves import Beat, Held
from gateway.ask import Ask
from gateway.composed.errors import BudgetExhausted
from gateway.composed.planned import Plan
from gateway.endings import Ending
from gateway.endpoints.base import Endpoint, Speaker
from gateway.errors import ClientLeft, UpstreamTimedOut
from gateway.exchange import Attempt, Exchange
from gateway.routing import Candidate
from opscenter.core.ids import next_to


class Part(NamedTuple):
    """An inner call that has ended."""

    exchange: Exchange
    ending: Ending


@dataclass(slots=True, kw_only=True)
class Whole(Exchange):
    """`candidates` are those of all calls of its `plan`; `speaks` makes who answers its client.

    `output_limit` is the level that the tokens per minute of its caller allow. `is_cut` once this gateway has ended
    what a client hears of, for its time or its length.
    """

    plan: Plan
    speaks: "Callable[[Whole], Speaker]"
    parts: list[Part] = field(default_factory=list)
    running: Exchange | None = None
    is_cut: bool = False
    _speaker: Speaker | None = None

    # --- what it can cost ---

    def most_nano(self, output_tokens: int | None = None) -> int:
        """The sum of what its calls can; `output_tokens` as a level."""
        return self.plan.cost(self._level(output_tokens))

    def most_at(self, candidate: Candidate, output_tokens: int | None = None) -> int:
        """Of all calls that may go to `candidate`."""
        return self.plan.cost_at(candidate, self._level(output_tokens))

    def most_input(self) -> int:
        return self.plan.input(self._level())

    def longest_at(self, candidate: Candidate) -> int:
        return self.plan.output_at(candidate, self._level())

    def least_nano(self, most: int) -> int:
        return min(most, self.cheapest())

    def cheapest(self) -> int:
        return self.plan.cost(0)

    def keep_within(self, nano: int) -> bool:
        """Its calls' answers are as much shorter; whether they can be."""
        return self.cheapest() <= nano

    @property
    def may_be_free(self) -> bool:
        return self.plan.free() is not None

    def keep_free(self) -> bool:
        free = self.plan.free()
        if free is not None:
            self.plan, self.candidates = free, free.candidates
        return free is not None

    def affordable_output(self, nano: int) -> int:
        """What its last call could be asked for, were the others as short as they may be."""
        low, high = 0, self.plan.calls[-1].longest(None)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._with_last(middle) <= nano else (low, middle - 1)
        return low

    def affordable_somewhere(self, nano: int) -> int:
        return self.affordable_output(nano)

    def most_tokens(self, candidates: Iterable[Candidate], output_tokens: int | None = None) -> int:
        return self.plan.tokens(self._level(output_tokens))

    def output_within(self, candidates: Iterable[Candidate], tokens: int) -> int:
        """As a level."""
        level = self.plan.level_of(self.plan.tokens, tokens)
        return self.plan.calls[-1].longest(None) if level is None else level

    def _level(self, level: int | None = None) -> int | None:
        """The least of `level` and what max_cost and limits leave."""
        levels = [level, self.output_limit]
        if self.max_cost_nano is not None:
            levels.append(self.plan.level_of(self.plan.cost, self.max_cost_nano))
        return min((one for one in levels if one is not None), default=None)

    def _with_last(self, tokens: int) -> int:
        return self.plan.with_last(tokens).cost(0)

    # --- its calls ---

    def part(
        self, place: int, ask: Ask, tags: dict[str, str], *, endpoint: Endpoint, time_limit_s: float | None
    ) -> Exchange:
        """The call planned at `place`, to be made now, with what the hold has for it.

        Raises BudgetExhausted (402) where that isn't even its input, UpstreamTimedOut (504) where no time is left,
        ClientLeft (499) where nobody wants it any more.
        """
        if self.client_left and self.claim is None:
            raise ClientLeft
        if self.time_left_s <= 0:
            self.is_cut = self.sending
            raise UpstreamTimedOut("The answer took longer than a request may.")
        exchange = Exchange(
            id=next_to(self.id, len(self.parts) + 1),
            caller=self.caller,
            ask=ask,
            candidates=self.plan.calls[place].candidates,
            endpoint=endpoint,
            tags=tags,
            client_request_id=self.client_request_id,
            client_left=self.client_left,
            part_of=self,
            time_limit_s=self.time_left_s if time_limit_s is None else min(time_limit_s, self.time_left_s),
        )
        self._allot(exchange, place)
        self.running = exchange
        return exchange

    def _allot(self, exchange: Exchange, place: int) -> None:
        """What is left of the hold, less what the calls behind it were planned with."""
        if self.held is None:
            return
        level = self._level(self.plan.level_of(self.plan.cost, self.held.amount))
        left = self.held.amount - self._spent() - sum(self.plan.costs(level)[place + 1 :])
        able = tuple(one for one in exchange.candidates if one.rates.is_free or exchange.most_at(one, 1) <= left)
        if not able:
            self.is_cut = self.sending and not self._is_overrun
            raise BudgetExhausted(call=len(self.parts) + 1, is_free=not self.is_cut)
        is_last = place == len(self.plan.calls) - 1
        exchange.candidates = able
        exchange.held = Held(self.id, max(0, left), self.held.lease_epoch)
        exchange.output_limit = self._shortened(place, self.output_limit if is_last else level)

    def _shortened(self, place: int, level: int | None) -> int | None:
        return None if level is None else max(self.plan.calls[place].least, level)

    def note(self, exchange: Exchange, ending: Ending) -> None:
        """One of its calls has ended."""
        exchange.lasted_ms = int((time.monotonic() - exchange.began) * 1000)
        self.client_left = self.client_left or exchange.client_left
        self.parts.append(Part(exchange, ending))
        self.running = None

    def leave(self) -> None:
        """The client has gone."""
        self.client_left = True
        if self.running is not None:
            self.running.client_left = True

    # --- what it has come to ---

    def shares(self) -> list[Part]:
        """Its parts, each with its share of what is charged, in their order; what the charge doesn't cover is the
        later ones' overrun. `held` becomes what was left for each.
        """
        left = self.charged_nano
        for part, ending in self.parts:
            assert self.held is not None
            part.held = replace(self.held, amount=left)
            part.charged_nano = min(ending.cost, left)
            left -= part.charged_nano
        return self.parts

    @property
    def _is_overrun(self) -> bool:
        """Whether a provider has billed more than it was asked for."""
        return any(ending.cost > part.held.amount for part, ending in self.parts if part.held is not None)

    def _spent(self) -> int:
        return sum(part.ending.cost for part in self.parts)

    def beat(self) -> Beat:
        """What a client has that gets one piece at the end is nothing."""
        dispatched_at = next((one.dispatched_at for one in self._calls() if one.dispatched_at is not None), None)
        if not self.sending or self.held is None:
            return Beat(self.id, 0, 0, dispatched_at)
        delivered = sum(part.ending.usage.output for part in self.parts if part.ending.captures)
        amount = self._spent()
        if self.running is not None:
            beat = self.running.beat()
            delivered, amount = delivered + beat.delivered_tokens, amount + beat.checkpoint_amount
        return Beat(self.id, delivered, min(self.held.amount, amount) if delivered else 0, dispatched_at)

    def _calls(self) -> list[Exchange]:
        return [part.exchange for part in self.parts] + ([self.running] if self.running is not None else [])

    @property
    def answering(self) -> Attempt:
        """The last attempt of all."""
        return next(one.attempts[-1] for one in reversed(self._calls()) if one.attempts)

    @property
    def tries(self) -> int:
        return sum(one.tries for one in self._calls())

    @property
    def overhead_ms(self) -> float:
        now = self.first_token_at or time.monotonic()
        waited = sum(
            min(attempt.ended or now, now) - attempt.began
            for one in self._calls()
            for attempt in one.attempts
            if attempt.began < now
        )
        paused = sum(one.paused_s for one in self._calls())
        return max(0.0, (now - self.began - waited - paused) * 1000)

    def speaker(self) -> Speaker:
        """Always the same."""
        if self.claim is not None:
            return self.claim.heard(lambda: self.speaks(self))
        if self._speaker is None:
            self._speaker = self.speaks(self)
        return self._speaker
