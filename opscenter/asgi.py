"""The ASGI application: lifespan, the inference handler, Django's handler for everything else."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")

from opscenter import collector

with collector.resting():
    from django.core.asgi import get_asgi_application

    _django = get_asgi_application()

    # These need the loaded apps.
    from gateway import runtime, warmup
    from gateway.handler import InferenceHandler
    from gateway.urls import is_inference
    from opscenter import metrics
    from opscenter.processes import end_with_parent

log = logging.getLogger(__name__)
_plain = InferenceHandler()
# Probes and scrapes come by IP address, which no list of allowed hosts has.
_BY_ADDRESS = ("/health/", "/metrics")

if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
    # One of several workers, which would go on serving when their killed parent could no longer stop them.
    end_with_parent(parent.pid)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(scope, receive, send)
    elif scope["type"] == "http" and _is_plain(scope):
        await _plain(scope, receive, send)
    else:
        await _django(scope, receive, send)


def _is_plain(scope: Scope) -> bool:
    path = scope["path"]
    return path.startswith(_BY_ADDRESS) or is_inference(path, scope["method"], scope["query_string"])


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    metrics.FILES.join("web")
    await runtime.start()
    warming = asyncio.create_task(asyncio.to_thread(warmup.warm))
    if scope.get("state", {}).get("is_successor"):
        # The one that serves now is a better one than a process which is still loading, or knows no configuration.
        await warming
        if not runtime.is_ready():
            raise RuntimeError("the configuration could not be read")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    warming.cancel()
    await runtime.stop()
    await send({"type": "lifespan.shutdown.complete"})
