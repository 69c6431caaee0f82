"""Everything that decides about a call, read in one moment and then only looked at.

A thread of its own looks at the version row; when it has moved, all is read anew and one reference is swapped. A
change is in force on every worker within a second; a worker that can't read for SNAPSHOT_STALE_S refuses calls.
"""

import logging
import threading
import time
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection

from credits.snapshot import Rates
from credits.snapshot import load as load_rates
from gateway import callers
from gateway.callers import Caller
from gateway.errors import GatewayNotReady
from llmconfig.snapshot import Catalog
from llmconfig.snapshot import load as load_catalog
from opscenter.core.db import consistent_read, own_connection
from opscenter.core.models import ConfigVersion

log = logging.getLogger(__name__)

_LATE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`late` remembers the keys that were looked up after the snapshot was taken; it goes with the snapshot, so
    that a revoked key does too."""

    version: int
    catalog: Catalog
    rates: Rates
    callers: dict[str, Caller]
    late: dict[str, Caller | None] = field(default_factory=dict)


def load() -> Snapshot:
    with consistent_read(connection):
        return Snapshot(version=_version(), catalog=load_catalog(), rates=load_rates(), callers=callers.load())


def _look_up(secret_hash: str) -> Caller | None:
    """On a thread that no request's end tidies up: a connection kept there would stay broken once it is lost."""
    try:
        return callers.load(secret_hash).get(secret_hash)
    finally:
        connection.close()


def _version() -> int:
    return ConfigVersion.objects.values_list("version", flat=True).get(pk=1)


class SnapshotKeeper:
    """Keeps `current` fresh. One per process; start() returns at once, the first snapshot follows."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._fresh_at = 0.0
        self._stopping = threading.Event()
        self._taken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=5)

    def wait(self, timeout_s: float) -> bool:
        """Whether the first snapshot has come, within `timeout_s`."""
        return self._taken.wait(timeout_s)

    @property
    def is_fresh(self) -> bool:
        return self._snapshot is not None and time.monotonic() - self._fresh_at < settings.SNAPSHOT_STALE_S

    def current(self) -> Snapshot:
        """The snapshot to serve a call by. Raises GatewayNotReady (503) where it is stale."""
        snapshot = self._snapshot
        if snapshot is None or not self.is_fresh:
            raise GatewayNotReady(
                "The gateway can't reach its database. Try again in a few seconds.", headers={"Retry-After": "2"}
            )
        return snapshot

    async def caller(self, secret_hash: str) -> Caller | None:
        """Whose key this is, if it is live."""
        snapshot = self.current()
        caller = snapshot.callers.get(secret_hash) or await self._late_caller(snapshot, secret_hash)
        if caller is None or (caller.expires_at is not None and caller.expires_at <= time.time()):
            return None
        return caller

    async def _late_caller(self, snapshot: Snapshot, secret_hash: str) -> Caller | None:
        if secret_hash in snapshot.late:
            return snapshot.late[secret_hash]
        try:
            caller = await sync_to_async(_look_up)(secret_hash)
        except Error as error:
            raise GatewayNotReady(
                "The gateway can't reach its database. Try again in a few seconds.", headers={"Retry-After": "2"}
            ) from error
        if len(snapshot.late) < _LATE_LIMIT:
            snapshot.late[secret_hash] = caller
        return caller

    def _run(self) -> None:
        own = own_connection()
        while not self._stopping.is_set():
            try:
                self._refresh()
            except Error:
                log.exception("reading the configuration failed; it is tried again")
                own.close()
            except Exception:
                log.exception("building the snapshot failed; the former one stays until it is stale")
            self._stopping.wait(settings.SNAPSHOT_POLL_S)
        own.close()

    def _refresh(self) -> None:
        started = time.monotonic()
        if self._snapshot is None or _version() != self._snapshot.version:
            self._snapshot = load()
        self._fresh_at = started
        self._taken.set()
