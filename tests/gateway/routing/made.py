"""Candidates and what was seen of them, without a database."""

from dataclasses import replace

from bench.places import Place, candidate
from gateway.routing import Candidate
from gateway.routing.measured import UNSEEN, Seen
from gateway.routing.strategies import Job, Look, Strategy

JOB = Job(input_tokens=100, output_tokens=100)
BUSY = 20


def made(name: str, *, usd: str = "1.00", quality: str = "0.80", weight: int = 1, preferred: bool = False) -> Candidate:
    one = candidate(Place(name, usd, quality, 0.5, 0.01, 10))
    return replace(one, target=replace(one.target, weight=weight), is_preferred=preferred)


def unscored(one: Candidate) -> Candidate:
    return replace(one, target=replace(one.target, quality_score=None))


def seen(
    *, calls: int = 0, first_s: float = 0.2, token_s: float = 0.01, success: float = 1.0, hanging: float = 1.0
) -> Seen:
    """Of answers that usually take 2 s; calls in flight have been waiting `hanging` times as long."""
    return Seen(calls, first_s, token_s, success, 10.0, 2.0, 2.0 * hanging)


def looking(**sights: Seen) -> Look:
    return lambda key: sights.get(key, UNSEEN)


NOTHING_SEEN = looking()


def order(strategy: Strategy, *group: Candidate, look: Look = NOTHING_SEEN, dice: float = 0.5) -> list[str]:
    ranked = strategy(group, look, JOB, lambda: dice)
    assert all(one.reason and isinstance(one.reason, str) for one in ranked)
    return [one.candidate.target.key for one in ranked]
