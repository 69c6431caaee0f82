"""What is counted about calls: each once, from its finished rows. docs/observability.md describes every metric.

Labels are names out of the configuration, never what a client sent, and of those at most _MOST_NAMES in a process.
Nothing is made before it is first counted, and so belongs to the files that the process has joined by then.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prometheus_client import Counter, Histogram

from credits.amounts import NANO
from gateway.rows import AttemptValues, RequestValues

NONE = "none"
"""The model of a call that no candidate was found for."""
OTHER = "other"
_MOST_NAMES = 300

_KEY = re.compile(r" \(([ds]:\d+.*)\)$")
_WAIT_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600)
_FIRST_TOKEN_S = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60)
_OVERHEAD_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1)

# In no registry: who is asked reads the files of all processes.
requests = Counter(
    "opscenter_requests",
    "Calls that have ended",
    ("endpoint", "model", "provider", "status", "http_status", "streamed"),
    registry=None,
)
tokens = Counter(
    "opscenter_tokens",
    "Tokens as billed; cached ones are part of the prompt's",
    ("model", "provider", "kind"),
    registry=None,
)
charged = Counter("opscenter_charged_credits", "Credits charged", ("model", "provider"), registry=None)
upstream_cost = Counter(
    "opscenter_upstream_cost_usd", "What providers are owed, in US dollars", ("model", "provider"), registry=None
)
duration = Histogram(
    "opscenter_request_duration_seconds",
    "From the request to its end",
    ("model", "provider", "streamed"),
    buckets=_WAIT_S,
    registry=None,
)
first_token = Histogram(
    "opscenter_time_to_first_token_seconds",
    "From the request to the first chunk of a stream",
    ("model", "provider"),
    buckets=_FIRST_TOKEN_S,
    registry=None,
)
overhead = Histogram(
    "opscenter_overhead_seconds",
    "Spent here, not waiting for upstreams, until the answer began",
    ("streamed",),
    buckets=_OVERHEAD_S,
    registry=None,
)
attempts = Counter(
    "opscenter_upstream_attempts",
    "Upstream calls by how they ended",
    ("deployment", "provider", "outcome"),
    registry=None,
)
error_answers = Counter(
    "opscenter_error_answers", "Errors that clients were answered with", ("status", "code"), registry=None
)

_Add = Callable[[float], None]


class _Served(NamedTuple):
    """The children of one model, provider and way of answering."""

    prompt: _Add
    cached: _Add
    completion: _Add
    charged: _Add
    upstream_cost: _Add
    duration: _Add
    first_token: _Add
    overhead: _Add


class _Bounded:
    """The first _MOST_NAMES names that come."""

    def __init__(self) -> None:
        self._known: set[object] = set()

    def admits(self, name: object) -> bool:
        if name not in self._known and len(self._known) >= _MOST_NAMES:
            return False
        self._known.add(name)
        return True


_models = _Bounded()
_deployments = _Bounded()
_ended: dict[tuple[object, ...], _Add] = {}
_served: dict[tuple[str, str, bool], _Served] = {}
_tried: dict[tuple[str, str, str], _Add] = {}
_answered: dict[tuple[int, str], _Add] = {}


_Sums = dict[_Add, float]


def count(request: RequestValues, tries: Sequence[AttemptValues]) -> None:
    """Count one ended call."""
    count_all([(request, tries)])


def count_all(calls: Iterable[tuple[RequestValues, Sequence[AttemptValues]]]) -> None:
    """Count calls that have ended, each counter once for all of them: it writes to a file and takes a lock.

    Children are looked up in dicts of ours: labels() costs more than the counting.
    """
    sums: _Sums = defaultdict(float)
    try:
        for request, tries in calls:
            _count(sums, request, tries)
    finally:
        for add, amount in sums.items():
            add(amount)


def _count(sums: _Sums, request: RequestValues, tries: Sequence[AttemptValues]) -> None:
    key = (request.endpoint, request.model, request.provider, request.status, request.http_status, request.streamed)
    ended = _ended.get(key)
    if ended is None:
        ended = _ended[key] = _ended_child(request)
    sums[ended] += 1
    for attempt in tries:
        _count_attempt(sums, attempt)
    if tries:
        _count_service(sums, request, tries)


def count_error(status: int, code: str) -> None:
    """Count an answer that is an error; codes are ours, and few."""
    key = (status, code)
    add = _answered.get(key)
    if add is None:
        add = _answered[key] = error_answers.labels(*key).inc
    add(1)


def _count_service(sums: _Sums, request: RequestValues, tries: Sequence[AttemptValues]) -> None:
    key = (request.model, request.provider, request.streamed)
    served = _served.get(key)
    if served is None:
        served = _served[key] = _served_children(request)
    served.duration(request.duration_ms / 1000)
    served.overhead(request.overhead_ms / 1000)
    if request.first_token_ms is not None:
        served.first_token(request.first_token_ms / 1000)
    if request.prompt_tokens:
        sums[served.prompt] += request.prompt_tokens
    if request.cached_tokens:
        sums[served.cached] += request.cached_tokens
    if request.completion_tokens:
        sums[served.completion] += request.completion_tokens
    if request.charged_nano:
        sums[served.charged] += request.charged_nano / NANO
    if cost_usd := sum(float(attempt.cost_usd) for attempt in tries):
        sums[served.upstream_cost] += cost_usd


def _count_attempt(sums: _Sums, attempt: AttemptValues) -> None:
    key = (attempt.target, attempt.provider, attempt.outcome)
    add = _tried.get(key)
    if add is None:
        deployment = key_of(attempt.target)
        shown = deployment if _deployments.admits(deployment) else OTHER
        add = _tried[key] = attempts.labels(shown, attempt.provider, attempt.outcome).inc
    sums[add] += 1


def key_of(target: str) -> str:
    """The deployment's key in an attempt's `target`, LABEL (KEY): what the breaker knows it by."""
    found = _KEY.search(target)
    return found[1] if found else target


def _labels_of(request: RequestValues) -> tuple[str, str]:
    pair = (request.model or NONE, request.provider or NONE)
    return pair if _models.admits(pair) else (OTHER, OTHER)


def _ended_child(request: RequestValues) -> _Add:
    labels = (*_labels_of(request), request.status, str(request.http_status or NONE), _word(request.streamed))
    return requests.labels(request.endpoint or NONE, *labels).inc


def _served_children(request: RequestValues) -> _Served:
    pair = _labels_of(request)
    streamed = _word(request.streamed)
    return _Served(
        prompt=tokens.labels(*pair, "prompt").inc,
        cached=tokens.labels(*pair, "cached").inc,
        completion=tokens.labels(*pair, "completion").inc,
        charged=charged.labels(*pair).inc,
        upstream_cost=upstream_cost.labels(*pair).inc,
        duration=duration.labels(*pair, streamed).observe,
        first_token=first_token.labels(*pair).observe,
        overhead=overhead.labels(streamed).observe,
    )


def _word(value: bool) -> str:
    return "true" if value else "false"
