"""Everything that decides about a call, read in one moment and then only looked at.

A thread of its own looks at the version row; when it has moved, all is read anew and one reference is swapped. A
change is in force on every worker within a second; a worker that can't read for SNAPSHOT_STALE_S refuses calls. The
keys that aren't in it are looked up by the same thread, many at once: a flood of unknown ones takes no connection more.
"""

import asyncio
import logging
import math
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from credits.snapshot import Rates
from credits.snapshot import load as load_rates
from gateway import callers
from gateway.callers import Caller
from gateway.errors import GatewayNotReady, TooManyUnknownKeys
from gateway.workflows import definition
from gateway.workflows.definition import Definition
from llmconfig.snapshot import Catalog
from llmconfig.snapshot import load as load_catalog
from opscenter.core import redaction
from opscenter.core.db import consistent_read, own_connection
from opscenter.core.errors import ServiceError
from opscenter.core.models import ConfigVersion

if TYPE_CHECKING:
    from gateway.routing.candidate import Candidate

log = logging.getLogger(__name__)

# Between two looks, also where unknown keys ask for them.
_HASTE_S = 0.05
MOST_UNKNOWN = 1_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`workflows` are the active ones, by their ids. `late` has the keys that were issued since it was taken; it goes
    with the snapshot, so that a revoked key does too. `candidates` are made when they are first asked for, by target,
    tier, power level and credits for a dollar."""

    version: int
    catalog: Catalog
    rates: Rates
    callers: dict[str, Caller]
    workflows: dict[str, Definition] = field(default_factory=dict)
    late: dict[str, Caller] = field(default_factory=dict)
    candidates: "dict[tuple[str, str, str, str], Candidate]" = field(default_factory=dict)

    def caller(self, secret_hash: str) -> Caller | None:
        return self.callers.get(secret_hash) or self.late.get(secret_hash)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key that a call came with; `found` is told on its `loop` whose it is, and fails where nobody could look."""

    secret_hash: str
    loop: asyncio.AbstractEventLoop
    found: "asyncio.Future[Caller | None]"

    def tell(self, caller: Caller | None, error: ServiceError | None = None) -> None:
        # A loop that has been closed has nobody waiting.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._settle, caller, error)

    def _settle(self, caller: Caller | None, error: ServiceError | None) -> None:
        if self.found.done():
            return
        if error is not None:
            self.found.set_exception(error)
        else:
            self.found.set_result(caller)


def load() -> Snapshot:
    with consistent_read(connection):
        return Snapshot(
            version=_version(),
            catalog=load_catalog(),
            rates=load_rates(),
            callers=callers.load(),
            workflows=definition.load(),
        )


def _version() -> int:
    return ConfigVersion.objects.values_list("version", flat=True).get(pk=1)


class SnapshotKeeper:
    """Keeps `current` fresh. One per process; start() returns at once, the first snapshot follows."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._fresh_at = 0.0
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._unknown: deque[Unknown] = deque()
        self._taken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.set()
        self._thread.join(timeout=5)

    def wait(self, timeout_s: float) -> bool:
        """Whether the first snapshot has come, within `timeout_s`."""
        return self._taken.wait(timeout_s)

    @property
    def is_fresh(self) -> bool:
        return self._snapshot is not None and time.monotonic() - self._fresh_at < settings.SNAPSHOT_STALE_S

    @property
    def version(self) -> int:
        """Of the configuration in force here; 0 before the first."""
        return self._snapshot.version if self._snapshot else 0

    @property
    def age_s(self) -> float:
        """Since it was last confirmed."""
        return time.monotonic() - self._fresh_at if self._snapshot else math.inf

    def current(self) -> Snapshot:
        """The snapshot to serve a call by. Raises GatewayNotReady (503) where it is stale."""
        snapshot = self._snapshot
        if snapshot is None or not self.is_fresh:
            raise _not_ready()
        return snapshot

    async def caller(self, secret_hash: str) -> Caller | None:
        """Whose key this is, if it is live. Raises GatewayNotReady (503), TooManyUnknownKeys (429)."""
        caller = self.current().caller(secret_hash) or await self._look_up(secret_hash)
        if caller is None or (caller.expires_at is not None and caller.expires_at <= time.time()):
            return None
        return caller

    async def _look_up(self, secret_hash: str) -> Caller | None:
        if self._stopping.is_set():
            raise _not_ready()
        if len(self._unknown) >= MOST_UNKNOWN:
            raise TooManyUnknownKeys()
        loop = asyncio.get_running_loop()
        unknown = Unknown(secret_hash, loop, loop.create_future())
        self._unknown.append(unknown)
        self._asked.set()
        return await unknown.found

    def _run(self) -> None:
        own = own_connection()
        while not self._stopping.is_set():
            self._asked.clear()
            unknown = self._all_unknown()
            try:
                self._read(own, unknown)
            except Error:
                log.exception("reading the configuration failed; it is tried again")
                own.close()
            except Exception:
                log.exception("building the snapshot failed; the former one stays until it is stale")
            for waiting in unknown:
                waiting.tell(None, _not_ready())
            self._stopping.wait(_HASTE_S)
            self._asked.wait(max(0.0, settings.SNAPSHOT_POLL_S - _HASTE_S))
        own.close()
        for waiting in self._all_unknown():
            waiting.tell(None, _not_ready())

    def _read(self, own: BaseDatabaseWrapper, unknown: list[Unknown]) -> None:
        """A connection that was lost while nobody used it is made anew at once."""
        was_open = own.connection is not None
        try:
            self._refresh()
            self._identify(unknown)
        except Error:
            own.close()
            if not was_open:
                raise
            self._refresh()
            self._identify(unknown)

    def _all_unknown(self) -> list[Unknown]:
        return [self._unknown.popleft() for _ in range(len(self._unknown))]

    def _identify(self, unknown: list[Unknown]) -> None:
        """Takes those from the list whom it told."""
        if unknown:
            assert self._snapshot is not None
            self._snapshot.late.update(callers.load({waiting.secret_hash for waiting in unknown}))
            while unknown:
                waiting = unknown.pop()
                waiting.tell(self._snapshot.caller(waiting.secret_hash))

    def _refresh(self) -> None:
        started = time.monotonic()
        if self._snapshot is None or _version() != self._snapshot.version:
            self._snapshot = load()
            redaction.know("provider keys", self._snapshot.catalog.secrets())
        self._fresh_at = started
        self._taken.set()


def _not_ready() -> GatewayNotReady:
    return GatewayNotReady(
        "The gateway can't reach its database. Try again in a few seconds.", headers={"Retry-After": "2"}
    )
