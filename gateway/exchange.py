"""One call of a consumer from its hold to its end: what is held, what was tried, what it came to.

Ended exactly once; the ledger's own guard makes a second end harmless.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from credits.amounts import to_text
from credits.errors import AccountFrozen, InsufficientCredits
from credits.ledger.moves import Beat, Capture, Facts, Held, Refused, Reserve, Void
from credits.models import Hold
from gateway import records
from gateway.ask import ChatAsk
from gateway.callers import Caller
from gateway.counting import count_prompt
from gateway.endings import Ending
from gateway.meter import Meter
from gateway.routing import Candidate
from gateway.transports.base import Call
from gateway.transports.errors import UpstreamError
from gateway.usage_counts import Usage
from opscenter.core.ids import uuid7

if TYPE_CHECKING:
    from gateway.runtime import Runtime

LEAST_OUTPUT = 256
_SETTLE_PATIENCE_S = 2.0


@dataclass(slots=True)
class Attempt:
    """One upstream call; times are of time.monotonic()."""

    candidate: Candidate
    began: float
    ended: float | None = None
    outcome: str = "open"
    error: UpstreamError | None = None


@dataclass(slots=True)
class Exchange:
    runtime: "Runtime"
    caller: Caller
    ask: ChatAsk
    candidates: tuple[Candidate, ...]
    endpoint: str
    tags: dict[str, str]
    client_request_id: str = ""
    id: UUID = field(default_factory=uuid7)
    began: float = field(default_factory=time.monotonic)
    held: Held | None = None
    dispatched_at: datetime | None = None
    attempts: list[Attempt] = field(default_factory=list)
    meter: Meter = field(init=False)
    first_token_at: float | None = None
    sending: bool = False
    client_left: bool = False
    ended: bool = False
    charged_nano: int = 0

    def __post_init__(self) -> None:
        self.meter = Meter(self.ask.choices * max(self._cap(candidate) for candidate in self.candidates))

    # --- the hold ---

    async def reserve(self) -> None:
        """Hold the most that any candidate can cost; committed when this returns. Raises InsufficientCredits (402),
        AccountFrozen (403), LedgerUnavailable (503)."""
        most = max(self._most_nano(candidate, self._cap(candidate)) for candidate in self.candidates)
        least = max(
            self._most_nano(candidate, min(LEAST_OUTPUT, self._cap(candidate))) for candidate in self.candidates
        )
        outcome = await self.runtime.writer.reserve(
            Reserve(
                hold_id=self.id,
                account_id=self.caller.account_id,
                virtual_key_id=self.caller.key_id,
                amount=most,
                minimum=most if self.ask.max_tokens else least,
                mode=Hold.Mode.PLATFORM if most else Hold.Mode.FREE,
                rates_json=json.dumps(self.receipt),
            )
        )
        if isinstance(outcome, Refused):
            raise self._refusal(outcome, most)
        self.held = outcome
        self.runtime.inflight.add(self)

    @property
    def receipt(self) -> dict[str, Any]:
        return {
            "credits_per_usd": settings.CREDITS_PER_USD,
            "tier": self.caller.tier,
            "power_level": self.caller.power_level,
            "candidates": [candidate.receipt for candidate in self.candidates],
        }

    def beat(self) -> Beat:
        """A sign of life with what has been delivered, for the sweep to go by should this process die."""
        delivered = self.meter.delivered_tokens()
        amount = 0
        if delivered and self.attempts and self.held:
            rates = self.attempts[-1].candidate.rates
            amount = min(self.held.amount, rates.cost_nano(self._counted(delivered)))
        return Beat(self.id, delivered, amount, self.dispatched_at)

    def _refusal(self, refused: Refused, most: int) -> Exception:
        if refused.reason != "insufficient":
            return AccountFrozen("This account may not spend credits: ask the operator of this service.")
        affordable = min(
            candidate.rates.affordable_output(refused.available, input_tokens=self._input_bound(candidate))
            // self.ask.choices
            for candidate in self.candidates
        )
        return InsufficientCredits(
            f"This call can cost up to {to_text(most)} credits and {to_text(refused.available)} are available.",
            details={
                "limit_source": "credits",
                "required_credits": to_text(most),
                "available_credits": to_text(refused.available),
                "affordable_max_tokens": affordable,
                "remedy_hint": f"Ask for at most {affordable} tokens (max_tokens), or add credits."
                if affordable
                else "Add credits, or send a shorter prompt.",
            },
        )

    def _most_nano(self, candidate: Candidate, max_tokens: int) -> int:
        return candidate.rates.most_nano(
            input_tokens=self._input_bound(candidate), output_tokens=self.ask.choices * max_tokens
        )

    def _input_bound(self, candidate: Candidate) -> int:
        bound: int = self.ask.input_bound + self.ask.images * settings.IMAGE_TOKEN_ALLOWANCE
        window = candidate.target.context_window
        return min(bound, window) if window else bound

    def _cap(self, candidate: Candidate) -> int:
        return min(self.ask.max_tokens or candidate.output_cap, candidate.output_cap)

    # --- attempts ---

    def attempt(self, candidate: Candidate) -> Attempt:
        self.dispatched_at = self.dispatched_at or datetime.now(UTC)
        attempt = Attempt(candidate, time.monotonic())
        self.attempts.append(attempt)
        return attempt

    def call(self, candidate: Candidate) -> Call:
        """The request for `candidate`: its own model name and token limit, usage always asked for."""
        target, ask = candidate.target, self.ask
        body = {**ask.body, "model": target.upstream_model}
        body.pop("max_tokens", None)
        body.pop("max_completion_tokens", None)
        body[target.max_tokens_param] = self._affordable(candidate)
        if ask.stream:
            body["stream"] = True
            body["stream_options"] = {**(ask.body.get("stream_options") or {}), "include_usage": True}
        return Call(
            target=target,
            body=body,
            deadline=asyncio.get_running_loop().time() + settings.REQUEST_TIMEOUT_S - (time.monotonic() - self.began),
            idle_timeout_s=settings.UPSTREAM_IDLE_TIMEOUT_S,
        )

    def _affordable(self, candidate: Candidate) -> int:
        cap = self._cap(candidate)
        if self.held is None or candidate.rates.is_free:
            return cap
        covered = candidate.rates.affordable_output(self.held.amount, input_tokens=self._input_bound(candidate))
        return max(1, min(cap, covered // self.ask.choices))

    @property
    def answering(self) -> Attempt:
        return self.attempts[-1]

    @property
    def overhead_ms(self) -> float:
        """Time spent here rather than waiting for upstreams, until the answer began."""
        now = self.first_token_at or time.monotonic()
        waited = sum((attempt.ended or now) - attempt.began for attempt in self.attempts)
        return max(0.0, (now - self.began - waited) * 1000)

    # --- the end ---

    def _counted(self, output: int) -> Usage:
        return Usage(count_prompt(self.ask.body["messages"]), 0, 0, output)

    def counted_usage(self) -> Usage:
        """What our own counting says the call came to so far."""
        return self._counted(self.meter.delivered_tokens())

    async def end(self, ending: Ending) -> int:
        """Settle as `ending` says and record the call; returns the nanocredits charged.

        Goes on by itself if the waiter is cancelled. When the database is away, the settle is retried behind the
        answer, which isn't held back for it longer than two seconds.
        """
        self.ended = True
        task = self.runtime.inflight.keep(self._end(ending))
        try:
            async with asyncio.timeout(_SETTLE_PATIENCE_S):
                return await asyncio.shield(task)
        except TimeoutError:
            self.charged_nano = min(ending.cost, self.held.amount if self.held else 0)
            return self.charged_nano

    async def _end(self, ending: Ending) -> int:
        try:
            if self.held is not None:
                closed = await self.runtime.writer.close(self._move(self.held, ending))
                self.charged_nano = closed.captured
        finally:
            self.runtime.inflight.remove(self)
            self.runtime.recorder.put(*records.rows(self, ending))
        return self.charged_nano

    def _move(self, held: Held, ending: Ending) -> Capture | Void:
        target = self.answering.candidate.target if self.attempts else None
        facts = Facts(
            model=target.model_name if target else "",
            provider=target.provider if target else "",
            tokens=sum(ending.usage),
        )
        if ending.captures:
            return Capture(self.id, self.caller.account_id, held.lease_epoch, ending.cost, ending.basis, facts)
        return Void(self.id, self.caller.account_id, held.lease_epoch, ending.basis, ending.upstream_expense, facts)
