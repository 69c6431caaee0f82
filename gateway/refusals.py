"""Calls that were turned away before anything was held for them. A key may be refused as fast as its holder can ask, so
that of each key a minute's first ones have rows; all are counted and logged.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable

from gateway.rows import RequestValues

log = logging.getLogger(__name__)

MOST = 60
_MINUTE_S = 60.0


class Refusals:
    """One per process; not exact where several threads ask at once. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._over_at = 0.0
        self._seen: defaultdict[int | None, int] = defaultdict(int)

    def has_row(self, refused: RequestValues) -> bool:
        now = self._clock()
        if now >= self._over_at:
            self._over_at = now + _MINUTE_S
            self._seen.clear()
        key_id = refused.virtual_key_id
        self._seen[key_id] += 1
        if self._seen[key_id] == MOST + 1:
            log.warning("key %s was refused %d times within a minute: those that follow have no rows", key_id, MOST)
        return self._seen[key_id] <= MOST
