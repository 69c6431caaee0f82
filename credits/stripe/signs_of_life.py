"""A hold's heartbeat while Stripe is asked, which may take longer than the hold's lease: else the sweep would let the
credits go, and they could be spent while their price is being paid back.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID

from django.conf import settings
from django.db import Error, connection

from credits.ledger import book
from credits.ledger.moves import Beat

log = logging.getLogger(__name__)
_BEATS_PER_LEASE = 4
_PATIENCE_S = 5


@contextmanager
def of(hold_id: UUID | None) -> Iterator[None]:
    """Beat until what is done inside has ended, on a connection of its own; nothing where there is no hold."""
    ended = Event()
    thread = Thread(target=_beat, args=(hold_id, ended), name="refund-heartbeat", daemon=True)
    if hold_id is not None:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if hold_id is not None:
            thread.join(_PATIENCE_S)


def _beat(hold_id: UUID, ended: Event) -> None:
    try:
        while not ended.wait(settings.LEASE_S / _BEATS_PER_LEASE):
            try:
                book.beat([Beat(hold_id, 0, 0)])
            except Error as error:
                # The next one begins with a new connection.
                connection.close()
                log.warning("A heartbeat of hold %s was lost: %s", hold_id, error)
    finally:
        connection.close()
