"""Pays for slow imports after start instead of in somebody's first call."""

import logging
import time

from gateway.transports import litellm as engine

log = logging.getLogger(__name__)


def warm() -> None:
    """Import what the LiteLLM transport needs (two seconds, 135 MB); in web processes only."""
    began = time.monotonic()
    engine.load()
    log.info("LiteLLM was loaded in %.1f s", time.monotonic() - began)
