"""Writes request and attempt rows in batches, off the requests' path. No money depends on it.

What waits here when a crash comes is recorded from its holds (lost.py); while the database is away the rows wait, up
to a bound.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.db import DataError, Error, IntegrityError, connection, transaction

from gateway import rows
from gateway.models import RequestRow
from gateway.refusals import Refusals
from gateway.rows import AttemptValues, RequestValues
from gateway.usage import rollup
from llmconfig.services import key_use, refused_keys
from llmconfig.services.key_use import KeyUse

log = logging.getLogger(__name__)


class Record(NamedTuple):
    """A call, and the inner calls of a composed one, which are written with it or not at all."""

    request: RequestValues
    attempts: list[AttemptValues]
    parts: Sequence[tuple[RequestValues, list[AttemptValues]]] = ()


Batch = Sequence[Record]
Watch = Callable[[RequestValues, list[AttemptValues]], None]

_REFUSED = (DataError, IntegrityError, ValueError, TypeError, OverflowError)
_CAPACITY = 50_000
_BATCH = 500
_EVERY_S = 0.25
# The outcome of an attempt whose key was refused, whatever the status: a few providers say so with 400.
_KEY_REFUSED = "refusedkey"
_LOST = RequestRow.Status.LOST


class Recorder:
    """put() from anywhere; a thread writes. `watch` is shown every call as it is put."""

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch
        self._waiting: deque[Record] = deque()
        self._refusals = Refusals()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then return."""
        self._stopping.set()
        self._thread.join(timeout=10)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(
        self,
        request: RequestValues,
        attempts: list[AttemptValues],
        parts: Sequence[tuple[RequestValues, list[AttemptValues]]] = (),
    ) -> None:
        self._show(request, attempts)
        for part in parts:
            self._show(*part)
        self._keep(Record(request, attempts, parts))

    def put_refused(self, request: RequestValues) -> None:
        """A call for which there is no hold. Of very many of a key most are shown alone."""
        self._show(request, [])
        if self._refusals.has_row(request):
            self._keep(Record(request, []))

    def _show(self, request: RequestValues, attempts: list[AttemptValues]) -> None:
        if self._watch is not None:
            self._watch(request, attempts)

    def _keep(self, record: Record) -> None:
        if len(self._waiting) >= _CAPACITY:
            log.error("request row %s is dropped: %d wait already", record.request.id, _CAPACITY)
            return
        self._waiting.append(record)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(_EVERY_S)
            while batch := [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]:
                if not self._write(batch):
                    self._waiting.extendleft(reversed(batch))
                    break
            connection.close()

    @staticmethod
    def _write(batch: Batch) -> bool:
        """False where the database is away. What it refuses for what it is must not hold up the rest."""
        try:
            write(batch)
        except _REFUSED as error:
            if len(batch) > 1:
                written = [Recorder._write([one]) for one in batch]
                return all(written)
            log.error("request row %s is dropped: %r", batch[0].request.id, error)
        except Error as error:
            log.warning("%d request rows could not be written yet: %s", len(batch), error)
            return False
        else:
            _note_refused_keys(batch)
        return True


def write(batch: Batch) -> None:
    """Write the rows and count them, all or none. Raises what the database raises."""
    with transaction.atomic():
        save(batch)


def save(batch: Batch) -> None:
    """For inside a transaction. A row that is there already stays, unless it is one made for a lost call and the
    call's own comes late; what is written is counted once, in the same transaction.
    """
    written, replaced = _write_requests(_with_parts(batch))
    attempts = [row for record in written for row in record.attempts]
    rows.insert_attempts(attempts)
    _count_use_of_keys(attempts)
    rollup.count((record.request for record in written), gone=replaced)


def _note_refused_keys(batch: Batch) -> None:
    """By themselves, since that may announce a change, whose lock goes before those of the rows."""
    refused = {
        row.provider_key_id: row.upstream_status
        for record in _with_parts(batch)
        for row in record.attempts
        if row.outcome == _KEY_REFUSED and row.provider_key_id is not None
    }
    try:
        refused_keys.note(refused)
    except Error as error:
        log.warning("%d refused keys could not be noted; their health checks will find them: %s", len(refused), error)


def _with_parts(batch: Batch) -> Batch:
    if not any(record.parts for record in batch):
        return batch
    return [one for record in batch for one in (record, *(Record(*part) for part in record.parts))]


def _write_requests(batch: Batch) -> tuple[Batch, list[RequestRow]]:
    """The records whose rows are new, and the rows that they have replaced."""
    new = rows.insert_requests([record.request for record in batch])
    if len(new) == len(batch):
        return batch, []
    held_up = [record for record in batch if record.request.id not in new and record.request.status != _LOST]
    lost = RequestRow.objects.filter(pk__in=[record.request.id for record in held_up], status=_LOST)
    replaced = list(lost.select_for_update())
    if replaced:
        lost.delete()
        gone = {row.pk for row in replaced}
        new |= rows.insert_requests([record.request for record in held_up if record.request.id in gone])
    first = {record.request.id: record for record in reversed(batch) if record.request.id in new}
    return list(first.values()), replaced


def _count_use_of_keys(attempts: Sequence[AttemptValues]) -> None:
    uses: dict[int, KeyUse] = {}
    for row in attempts:
        if row.provider_key_id is not None:
            uses.setdefault(row.provider_key_id, KeyUse()).add(
                tokens=row.prompt_tokens + row.completion_tokens, cost_usd=row.cost_usd, at=row.created_at
            )
    if uses:
        key_use.count(uses)
