"""One timer per stream that notices silence, instead of a timeout around every read."""

import asyncio
from collections.abc import Callable

from gateway.transports.errors import UpstreamCut, UpstreamOverdue, UpstreamUnread


class Watch:
    """Calls `expired` once, when a reader has waited for `idle_timeout_s`, or `deadline` (loop time) has passed.

    Only silence while somebody waits counts: a slow reader is not the upstream's fault.
    """

    __slots__ = ("_deadline", "_expired", "_idle_timeout_s", "_loop", "_timer", "_waiting_since")

    def __init__(self, *, idle_timeout_s: float, deadline: float, expired: Callable[[UpstreamCut], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle_timeout_s = idle_timeout_s
        self._deadline = deadline
        self._expired = expired
        self._waiting_since: float | None = None
        self._timer = self._loop.call_at(min(self._loop.time() + idle_timeout_s, deadline), self._check)

    def __enter__(self) -> None:
        self._waiting_since = self._loop.time()

    def __exit__(self, *_: object) -> None:
        self._waiting_since = None

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        silent_at = (now if self._waiting_since is None else self._waiting_since) + self._idle_timeout_s
        if now >= self._deadline:
            is_read = self._waiting_since is not None
            self._expired(UpstreamOverdue() if is_read else UpstreamUnread())
        elif now >= silent_at:
            self._expired(UpstreamCut("The provider fell silent in the middle of its answer."))
        else:
            self._timer = self._loop.call_at(min(silent_at, self._deadline), self._check)
