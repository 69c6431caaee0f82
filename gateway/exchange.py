"""One call of a consumer: what was asked, what is held for it, what was tried, what it has come to so far."""

import asyncio
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from django.conf import settings

from credits.ledger.moves import Beat, Held
from gateway.ask import Ask
from gateway.callers import Caller
from gateway.endpoints.base import Endpoint, Speaker, Way
from gateway.limits.limiter import Lease
from gateway.meter import Meter
from gateway.once.claim import Claim
from gateway.routing import Candidate
from gateway.transports.base import Call
from gateway.transports.errors import UpstreamError
from gateway.usage_counts import Usage
from opscenter.core.ids import uuid7

if TYPE_CHECKING:
    from gateway.composed.whole import Whole

LEAST_OUTPUT = 256


@dataclass(slots=True)
class Attempt:
    """One upstream call; times are of time.monotonic(). `lease` is what its deployment's limits have granted it.

    `is_in_flight` while it counts among its target's calls.
    """

    candidate: Candidate
    way: Way
    began: float
    ended: float | None = None
    outcome: str = "open"
    error: UpstreamError | None = None
    lease: Lease | None = None
    is_in_flight: bool = False


@dataclass(slots=True)
class Exchange:
    """`ended` is set by whoever decides how it ends; `sending` once a stream's first byte is on its way.

    `lease` is what the limits of its caller have granted, who may then have `output_limit` tokens for each choice.
    `max_cost_nano` is what its caller would pay at most, in nanocredits. `claim`: it has an Idempotency-Key. An inner
    call is `part_of` a whole, has `time_limit_s` instead of REQUEST_TIMEOUT_S, and `lasted_ms` once it has ended, since
    its row waits for the whole's.
    """

    caller: Caller
    ask: Ask
    candidates: tuple[Candidate, ...]
    endpoint: Endpoint
    tags: dict[str, str]
    client_request_id: str = ""
    max_cost_nano: int | None = None
    claim: Claim | None = None
    id: UUID = field(default_factory=uuid7)
    began: float = field(default_factory=time.monotonic)
    held: Held | None = None
    lease: Lease | None = None
    output_limit: int | None = None
    dispatched_at: datetime | None = None
    attempts: list[Attempt] = field(default_factory=list)
    paused_s: float = 0.0
    meter: Meter = field(init=False)
    first_token_at: float | None = None
    sending: bool = False
    client_left: bool = False
    ended: bool = False
    charged_nano: int = 0
    part_of: "Whole | None" = None
    time_limit_s: float | None = None
    lasted_ms: int | None = None
    _prompt_tokens: int | None = None
    _receipt: tuple[tuple[Candidate, ...], msgspec.Raw] | None = None

    def __post_init__(self) -> None:
        most_tokens = self.ask.choices * max(self.output_cap(candidate) for candidate in self.candidates)
        self.meter = Meter(most_tokens, searches=self.ask.searches)

    # --- what it can cost ---

    def most_nano(self, output_tokens: int | None = None) -> int:
        """The most that any candidate can cost, for each choice at its full length or at `output_tokens`."""
        return max(self.most_at(candidate, output_tokens) for candidate in self.candidates)

    def most_at(self, candidate: Candidate, output_tokens: int | None = None) -> int:
        """The most that `candidate` can cost; so much is never exceeded by a bill, whatever it will report."""
        return candidate.rates.most_nano(
            input_tokens=self.input_bound(candidate),
            output_tokens=self.ask.choices
            * min(output_tokens or self.output_cap(candidate), self.output_cap(candidate)),
            searches=self.ask.most_searches,
        )

    def least_nano(self, most: int) -> int:
        """What must be held of `most`: of what the client asked for in so many words all."""
        return most if self.ask.max_tokens else self.most_nano(LEAST_OUTPUT)

    def least_reserve(self, candidate: Candidate) -> int:
        """The most that `candidate` can cost for what was asked for in so many words, or else for a short answer."""
        return candidate.rates.most_nano(
            input_tokens=self.input_bound(candidate),
            output_tokens=self.ask.choices * min(self.ask.max_tokens or LEAST_OUTPUT, candidate.output_cap),
            searches=self.ask.most_searches,
        )

    def cheapest(self) -> int:
        """The least that has to be allowed for."""
        return min(map(self.least_reserve, self.candidates))

    def keep_within(self, nano: int) -> bool:
        """Leave out the candidates that are dearer; what the others may say fits already. Whether any are left."""
        return self._keep(tuple(one for one in self.candidates if self.least_reserve(one) <= nano))

    @property
    def may_be_free(self) -> bool:
        """Whether there is somebody to answer it for nothing."""
        return any(one.rates.is_free for one in self.candidates)

    def keep_free(self) -> bool:
        """Leave out the candidates that cost something, unless all do."""
        return self._keep(tuple(one for one in self.candidates if one.rates.is_free))

    def _keep(self, candidates: tuple[Candidate, ...]) -> bool:
        if candidates:
            self.candidates = candidates
        return bool(candidates)

    def affordable_output(self, nano: int) -> int:
        """The tokens that each choice may have at every candidate for `nano`."""
        return min(self._covered(candidate, nano) for candidate in self.candidates)

    def affordable_somewhere(self, nano: int) -> int:
        """The tokens that each choice may have for `nano` at the candidate that gives most of them."""
        return max(min(self._covered(candidate, nano), candidate.output_cap) for candidate in self.candidates)

    def most_tokens(self, candidates: Iterable[Candidate], output_tokens: int | None = None) -> int:
        """Input and output together that any of `candidates` can use, each choice at its full length or as given."""
        return max(
            self.input_bound(candidate)
            + self.ask.choices * min(output_tokens or self.output_cap(candidate), self.output_cap(candidate))
            for candidate in candidates
        )

    def output_within(self, candidates: Iterable[Candidate], tokens: int) -> int:
        """The tokens that each choice may have at every one of `candidates`, of `tokens` in all; may be negative."""
        return min((tokens - self.input_bound(candidate)) // self._choices for candidate in candidates)

    @property
    def receipt(self) -> msgspec.Raw:
        """The rates in force, as they are kept on the hold: JSON."""
        if self._receipt is None or self._receipt[0] is not self.candidates:
            facts = {
                "credits_per_usd": settings.CREDITS_PER_USD,
                "tier": self.caller.tier,
                "power_level": self.caller.power_level,
                "candidates": [candidate.receipt for candidate in self.candidates],
            }
            self._receipt = self.candidates, msgspec.Raw(msgspec.json.encode(facts))
        return self._receipt[1]

    def input_bound(self, candidate: Candidate) -> int:
        """The most tokens that the prompt can be to `candidate`."""
        bound: int = self.ask.input_bound + self.ask.media * settings.IMAGE_TOKEN_ALLOWANCE
        window = candidate.target.context_window
        return min(bound, window) if window else bound

    def most_input(self) -> int:
        """The most tokens that the prompt can be to anybody."""
        return max(map(self.input_bound, self.candidates))

    def longest_at(self, candidate: Candidate) -> int:
        """The most tokens that `candidate` may answer with, over all choices."""
        return self.output_cap(candidate) * self.ask.choices

    def output_cap(self, candidate: Candidate) -> int:
        """The most tokens that each choice may have at `candidate`."""
        cap = min(self.ask.max_tokens or candidate.output_cap, candidate.output_cap)
        if self.max_cost_nano is not None and self.ask.max_tokens is None:
            cap = min(cap, self._covered(candidate, self.max_cost_nano))
        return cap if self.output_limit is None else min(cap, self.output_limit)

    def _covered(self, candidate: Candidate, nano: int) -> int:
        return candidate.rates.affordable_output(nano, input_tokens=self.input_bound(candidate)) // self._choices

    @property
    def _choices(self) -> int:
        """To share between: whoever wants no text has it all."""
        return self.ask.choices or 1

    # --- attempts ---

    def attempt(self, candidate: Candidate) -> Attempt:
        self.dispatched_at = self.dispatched_at or datetime.now(UTC)
        attempt = Attempt(candidate, self.endpoint.way(candidate.target), time.monotonic())
        self.attempts.append(attempt)
        return attempt

    def call(self, attempt: Attempt, *, others: int = 0, output_limit: int | None = None) -> Call:
        """The request of `attempt`: its target's model name and token limit, usage always asked for.

        While `others` can still be asked, it has its share of the time that is left to begin to answer. `output_limit`
        is what the deployment's own limits leave to each choice.
        """
        target, affordable = attempt.candidate.target, self._affordable(attempt.candidate)
        tokens = affordable if output_limit is None else min(affordable, output_limit)
        return Call(
            target=target,
            body=attempt.way.body(self.ask, target, output_tokens=tokens),
            deadline=asyncio.get_running_loop().time() + self.time_left_s,
            idle_timeout_s=settings.UPSTREAM_IDLE_TIMEOUT_S,
            format=attempt.way.format,
            patience_s=self.time_left_s / (others + 1) if others else math.inf,
        )

    @property
    def time_left_s(self) -> float:
        """Until REQUEST_TIMEOUT_S is over, which all attempts share."""
        limit_s = settings.REQUEST_TIMEOUT_S if self.time_limit_s is None else self.time_limit_s
        return float(limit_s) - (time.monotonic() - self.began)

    def _affordable(self, candidate: Candidate) -> int:
        cap = self.output_cap(candidate)
        if self.held is None or candidate.rates.is_free:
            return cap
        return max(1, min(cap, self._covered(candidate, self.held.amount)))

    @property
    def answering(self) -> Attempt:
        return self.attempts[-1]

    @property
    def tries(self) -> int:
        """How many upstream calls were made."""
        return len(self.attempts)

    @property
    def overhead_ms(self) -> float:
        """Time spent here rather than waiting for upstreams or until they are tried again, until the answer began."""
        now = self.first_token_at or self._now
        waited = sum((attempt.ended or now) - attempt.began for attempt in self.attempts)
        return max(0.0, (now - self.began - waited - self.paused_s) * 1000)

    @property
    def _now(self) -> float:
        """Of a call that has ended and waits for its row, the end."""
        return time.monotonic() if self.lasted_ms is None else self.began + self.lasted_ms / 1000

    def speaker(self) -> Speaker:
        """Who says the answer of whoever is answering to the client."""
        if self.claim is not None:
            return self.claim.heard(lambda: self.answering.way.speaker(self))
        return self.answering.way.speaker(self)

    # --- what it has come to ---

    def counted_usage(self) -> Usage:
        """What our own counting says so far."""
        if self._prompt_tokens is None:
            # Once: heartbeats ask every few seconds, and a prompt may be megabytes.
            self._prompt_tokens = self.endpoint.count_prompt(self.ask.body)
        return Usage(self._prompt_tokens, 0, 0, self.meter.delivered_tokens(), self.ask.searches)

    def beat(self) -> Beat:
        """A sign of life with what has been delivered, for the sweep to go by should this process die."""
        delivered = self.meter.delivered_tokens()
        amount = 0
        if delivered and self.attempts and self.held:
            amount = min(self.held.amount, self.answering.candidate.rates.cost_nano(self.counted_usage()))
        return Beat(self.id, delivered, amount, self.dispatched_at)
