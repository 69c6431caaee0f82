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

_CALLBACKS = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "service_callback",
    "audit_log_callbacks",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
)
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
    # Read by LiteLLM and by the AWS SDK under it: no price list is fetched, and no credentials of the machine's.
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AWS_EC2_METADATA_DISABLED": "true"}
    # Building its types warns of what only their authors could change; built here, no call has to wait for it.
    with warnings.catch_warnings(action="ignore"):
        import litellm  # noqa: PLC0415 - two seconds that only warm-up can spare

        litellm.ModelResponse()
        litellm.ModelResponseStream()
    # Read for a tokenizer's text, which is kept beside it, and looked at by nobody: eleven megabytes.
    vars(litellm.utils).pop("json_data", None)
    _quieten(litellm)
    _guard(litellm)
    return litellm


def _quieten(litellm: Any) -> None:
    """No telemetry, callbacks, retries, caches or prints; its log lines may hold URLs and prompts.

    And no prices: what a call costs is the catalog's to say. Looking for it in LiteLLM's was a sixth of a call.
    """
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.num_retries = 0
    litellm.cache = None
    litellm.drop_params = False
    litellm.response_cost_calculator = lambda **_: None
    for name in _CALLBACKS:
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
    from openai._models import FinalRequestOptions  # noqa: PLC0415 - as above

    # For many providers LiteLLM forgets that the caller wants no retries, and the OpenAI SDK makes two.
    FinalRequestOptions.get_max_retries = lambda *_: 0  # type: ignore[method-assign]
    litellm.client_session = httpx.Client(transport=RefusingTransport())
    litellm.in_memory_llm_clients_cache.flush_cache()


def _ignoring_arguments(make: Callable[[], Any]) -> Callable[..., Any]:
    return lambda *_, **__: make()
