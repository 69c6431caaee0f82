"""The import of litellm, once per process and late: it costs two seconds and more than a hundred megabytes."""

import logging
import os
import threading
import warnings
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import httpx

from gateway.transports.litellm.http import GuardedTransport, RefusingTransport

_lock = threading.Lock()


@cache
def load() -> Any:
    """The configured litellm module. Blocks for two seconds when first called: call it in a thread at warm-up."""
    with _lock:
        return _import()


def loaded() -> Any:
    """The module if it has been loaded already."""
    return load() if load.cache_info().currsize else None


def _import() -> ModuleType:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # Building its types warns of what only their authors could change; built here, no call has to wait for it.
    with warnings.catch_warnings(action="ignore"):
        import litellm  # noqa: PLC0415 - two seconds that only warm-up can spare

        litellm.ModelResponse()
        litellm.ModelResponseStream()
    _quieten(litellm)
    _guard(litellm)
    return litellm


def _quieten(litellm: Any) -> None:
    """No telemetry, callbacks, retries, caches or prints; its log lines may hold URLs and prompts."""
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.num_retries = 0
    litellm.cache = None
    litellm.drop_params = False
    for name in (
        "callbacks",
        "input_callback",
        "success_callback",
        "failure_callback",
        "_async_success_callback",
    ):
        setattr(litellm, name, [])
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL + 1)


def _guard(litellm: Any) -> None:
    """Every client that LiteLLM makes from here on, for the OpenAI SDK or its own handlers, gets our transport."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler  # noqa: PLC0415 - as above

    for handler, name, transport in (
        (AsyncHTTPHandler, "create_async_transport", GuardedTransport),
        (AsyncHTTPHandler, "_create_async_transport", GuardedTransport),
        (HTTPHandler, "_create_sync_transport", RefusingTransport),
    ):
        setattr(handler, name, staticmethod(_ignoring_arguments(transport)))
    litellm.client_session = httpx.Client(transport=RefusingTransport())
    litellm.in_memory_llm_clients_cache.flush_cache()


def _ignoring_arguments(make: Callable[[], Any]) -> Callable[..., Any]:
    return lambda *_, **__: make()
