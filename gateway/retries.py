"""When a call is tried again that all of its providers have failed: after a pause, a few times, before any byte."""

import random
from collections.abc import Iterable

from django.conf import settings

from gateway.exchange import Exchange
from gateway.transports.errors import UpstreamError

_FIRST_PAUSE_S = 0.2
# Longer than that, the caller is told instead, who may have better to do.
_LONGEST_PAUSE_S = 5.0


def pause_s(exchange: Exchange, errors: Iterable[UpstreamError], *, tried: int) -> float | None:
    """Seconds until the first of those that failed with `errors` may be asked again, as it says and never at once.

    None where the call is not to be tried again: nobody waits for it, UPSTREAM_RETRIES are used up, there is no time.
    """
    waits = [error.retry_after or 0.0 for error in errors]
    if not waits or tried > settings.UPSTREAM_RETRIES or exchange.client_left:
        return None
    # Not all that failed at the same moment come back at the same moment.
    pause: float = max(min(waits), _FIRST_PAUSE_S * 2 ** (tried - 1) * random.uniform(0.5, 1.0))  # noqa: S311
    return pause if pause < min(_LONGEST_PAUSE_S, exchange.time_left_s) else None
