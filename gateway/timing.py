"""What the attempts of calls tell of their targets: that they are busy, fast, or failing."""

import time

from gateway.exchange import Attempt, Exchange
from gateway.routing.measured import Measured


def began(measured: Measured, attempt: Attempt) -> None:
    attempt.is_in_flight = True
    measured.began(attempt.candidate.target.key, attempt.began)


def failed(measured: Measured, attempt: Attempt, *, is_targets_fault: bool) -> None:
    if _ended(measured, attempt) and is_targets_fault:
        measured.failed(attempt.candidate.target.key)


def ended(measured: Measured, exchange: Exchange, *, is_whole: bool, tokens: int) -> None:
    """The call is over. A whole answer says how long so many tokens take, any stream how long its first byte."""
    attempt = exchange.attempts[-1] if exchange.attempts else None
    if attempt is None or not _ended(measured, attempt) or attempt.ended is None or attempt.outcome != "answered":
        return
    key, first_s = attempt.candidate.target.key, attempt.ended - attempt.began
    if exchange.ask.stream:
        measured.first_byte(key, first_s)
    if is_whole:
        seconds = time.monotonic() - attempt.began if exchange.ask.stream else first_s
        measured.answered(key, tokens=tokens, seconds=seconds)


def _ended(measured: Measured, attempt: Attempt) -> bool:
    """Whether it was in flight until now."""
    was_in_flight, attempt.is_in_flight = attempt.is_in_flight, False
    if was_in_flight:
        measured.let_go(attempt.candidate.target.key, attempt.began)
    return was_in_flight
