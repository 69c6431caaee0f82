"""What a web process is like now, looked at once a second for its files: a scrape may fall on another process."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from gateway.own_keys import is_own
from opscenter.core.process_gauges import ProcessGauges

if TYPE_CHECKING:
    from gateway.limits.limiter import Limiter
    from gateway.runtime import Runtime

_summed = partial(Gauge, multiprocess_mode="livesum", registry=None)
_each = partial(Gauge, multiprocess_mode="liveall", registry=None)


class Gauges:
    """Made once the process has joined its files. Those with a pid are each process's own, the others add up."""

    def __init__(self) -> None:
        self._calls = _summed(
            "opscenter_calls_in_flight",
            "Calls that have begun and not ended: plain ones, streams being sent, and those whose client has left",
            ("kind",),
        )
        self._waiting = _summed(
            "opscenter_queue_waiting", "What waits to be written: moves of the ledger, request rows", ("queue",)
        )
        self._breakers = _summed(
            "opscenter_breaker_processes",
            "Processes whose breaker of the deployment is in this state",
            ("deployment", "state"),
        )
        self._version = _each("opscenter_snapshot_version", "Version of the configuration that each process serves by")
        self._age = _each(
            "opscenter_snapshot_age_seconds", "How long ago each process last confirmed its configuration"
        )
        self._refused = Counter(
            "opscenter_limit_refusals",
            "Calls and attempts that a limit kept back",
            ("owner", "limit"),
            registry=None,
        )
        self._shares = _summed(
            "opscenter_limits_away_processes",
            "Processes that can't reach Redis and give out their share of each limit",
        )
        self._tasks = _each("opscenter_event_loop_tasks", "What each process's event loop has begun and not ended")
        self._alone = _summed(
            "opscenter_routing_away_processes",
            "Processes that can't reach Redis and route by what they see themselves",
        )
        self._told: dict[tuple[str, str], int] = {}
        self._process = ProcessGauges()
        self._seen: set[tuple[str, str]] = set()

    def look(self, serving: "Runtime") -> None:
        inflight, snapshots = serving.inflight, serving.snapshots
        for kind, number in inflight.counts().items():
            self._calls.labels(kind).set(number)
        self._waiting.labels("ledger").set(serving.writer.waiting)
        self._waiting.labels("records").set(serving.recorder.waiting)
        self._version.set(snapshots.version)
        self._age.set(snapshots.age_s)
        self._tasks.set(len(asyncio.all_tasks(inflight.loop)) if inflight.loop else 0)
        self._look_at_breakers(serving.breaker.states())
        self._look_at_limits(serving.limits)
        self._alone.set(serving.peers.is_away)
        self._process.look()

    def _look_at_breakers(self, states: dict[str, str]) -> None:
        # An own key's breaker is its owner's affair, and there may be thousands.
        shown = ((key, state) for key, state in states.items() if not is_own(key))
        now = {(deployment, state) for deployment, state in shown if state != "closed"}
        self._seen |= now
        for seen in self._seen:
            self._breakers.labels(*seen).set(seen in now)

    def _look_at_limits(self, limits: "Limiter") -> None:
        self._shares.set(limits.is_falling_back)
        # A copy: the event loop may add to it meanwhile.
        for refused, number in dict(limits.refused).items():
            self._refused.labels(*refused).inc(number - self._told.get(refused, 0))
            self._told[refused] = number
