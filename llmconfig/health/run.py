"""Asks whoever is due, so many at once, until nobody is; at most one run at a time in each worker.

While slow ones are waited for, others that become due are asked too: a server that hangs delays nobody.
"""

import asyncio
import logging
import threading
import time
from uuid import UUID, uuid4

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from llmconfig.health import questions, recording, schedule
from llmconfig.models import ProviderHealth
from llmconfig.services import probe
from llmconfig.services.probe import Probe, Question

log = logging.getLogger(__name__)

# Then another run takes over, and a worker that is told to stop need not wait for ever.
_LONGEST_S = 60.0
_LOOK_S = 0.5

_running = threading.Lock()

Asking = asyncio.Task[tuple[ProviderHealth, Probe]]


def run() -> int:
    """How many were checked; 0 where this process is at it already. Idempotent: who was checked is due no more."""
    if not _running.acquire(blocking=False):
        return 0
    try:
        schedule.enrol()
        return async_to_sync(_check_all)(uuid4())
    finally:
        _running.release()


async def _check_all(claim: UUID) -> int:
    asking: set[Asking] = set()
    checked, ends = 0, time.monotonic() + _LONGEST_S
    try:
        while True:
            if time.monotonic() < ends:
                asking |= await _ask_more(claim, settings.HEALTH_CONCURRENCY - len(asking))
            if not asking:
                return checked
            done, asking = await asyncio.wait(asking, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                checked += await _record(one, claim)
    finally:
        for one in asking:
            one.cancel()


async def _ask_more(claim: UUID, limit: int) -> set[Asking]:
    taken = await sync_to_async(_take)(claim, limit)
    return {asyncio.create_task(_ask(health, question)) for health, question in taken}


def _take(claim: UUID, limit: int) -> list[tuple[ProviderHealth, Question | Probe]]:
    return [(health, questions.of(health)) for health in schedule.claim(claim=claim, limit=limit)]


async def _ask(health: ProviderHealth, question: Question | Probe) -> tuple[ProviderHealth, Probe]:
    if isinstance(question, Probe):
        return health, question
    return health, await probe.ask(question, timeout_s=settings.HEALTH_TIMEOUT_S)


async def _record(asked: Asking, claim: UUID) -> bool:
    if error := asked.exception():
        # Its claim runs out, and it is asked again.
        log.error("a health check broke", exc_info=error)
        return False
    health, result = asked.result()
    await sync_to_async(recording.record)(asked=health, result=result, claim=claim)
    return True
