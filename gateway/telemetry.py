"""Counts and logs calls that have ended, on a thread of its own: neither a slow log nor a frozen database delays the
other, and the event loop does no more than append.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from credits.amounts import to_text
from gateway import metrics
from gateway.rows import AttemptValues, RequestValues
from opscenter.core.redaction import redact

log = logging.getLogger(__name__)

_EVERY_S = 0.2
_LOOK_EVERY_S = 1.0
_CAPACITY = 50_000


class Telemetry:
    """`put` from anywhere; `look` is called about once a second, on the thread."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._ended: deque[tuple[RequestValues, list[AttemptValues]]] = deque(maxlen=_CAPACITY)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Count what waits, then return."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def put(self, request: RequestValues, attempts: list[AttemptValues]) -> None:
        self._ended.append((request, attempts))

    def _run(self) -> None:
        look_at = 0.0
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(_EVERY_S)
            try:
                self._tell_all()
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + _LOOK_EVERY_S
                    self._look()
            except Exception:
                # The next call is counted all the same.
                log.exception("a call or the state of this process could not be counted")

    def _tell_all(self) -> None:
        tell([self._ended.popleft() for _ in range(len(self._ended))])


def tell(ended: Sequence[tuple[RequestValues, list[AttemptValues]]]) -> None:
    """Count calls that have ended and log them."""
    metrics.count_all(ended)
    if log.isEnabledFor(logging.INFO):
        for request, _ in ended:
            log.info("call ended", extra=line(request))


def line(request: RequestValues) -> dict[str, Any]:
    """What the log says of a call: numbers, and names out of the configuration; nothing that a client sent.

    Redacted here, each name once: thirty microseconds a line, where the formatter would look at all of it.
    """
    return {
        "is_clean": True,
        "request_id": request.id,
        "endpoint": _clean(request.endpoint),
        "user_id": request.user_id,
        "key_id": request.virtual_key_id,
        "model": _clean(request.model),
        "provider": _clean(request.provider),
        "streamed": request.streamed,
        "status": _clean(request.status),
        "http_status": request.http_status,
        "error_code": _clean(request.error_code),
        "attempts": request.attempts,
        "prompt_tokens": request.prompt_tokens,
        "cached_tokens": request.cached_tokens,
        "completion_tokens": request.completion_tokens,
        "charged_credits": to_text(request.charged_nano),
        "duration_ms": request.duration_ms,
        "first_token_ms": request.first_token_ms,
        "overhead_ms": request.overhead_ms,
    }


@lru_cache(maxsize=1024)
def _clean(name: str) -> str:
    return redact(name)
