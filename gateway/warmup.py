"""Pays for slow imports after start instead of in somebody's first call."""

import gc
import logging
import time

from django.conf import settings

from gateway.transports import litellm as engine

log = logging.getLogger(__name__)

_ALLOCATIONS = 10_000
"""Between two looks at the youngest objects, which reference counting has mostly freed; Python's own is 700."""


def warm() -> None:
    """Import what the LiteLLM transport needs (two seconds, 135 MB) unless told not to; in web processes only."""
    if settings.PRELOAD_LITELLM:
        began = time.monotonic()
        engine.load()
        log.info("LiteLLM was loaded in %.1f s", time.monotonic() - began)
    # What has been loaded stays: looking through it for garbage, again and again, took a sixth of a stream's time and
    # held up every call for a third of a second.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
