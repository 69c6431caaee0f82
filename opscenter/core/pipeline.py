"""One transaction whose statements go to PostgreSQL together, in as few messages as its answers allow.

psycopg's own pipeline sends each statement by itself, and waits for an answer before and after BEGIN and COMMIT: of
six round trips a ledger commit needs two (docs/adr/0016).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor, Pipeline, generators
from psycopg.abc import PQGen


@contextmanager
def pipelined_transaction() -> Iterator[None]:
    """Inside, a statement is sent when an answer is fetched, with all before it; what is left is sent with COMMIT.

    Where the connection binds on the server; elsewhere, as on SQLite, it is an ordinary transaction. It can't be inside
    of another one, nor another one in it. An error may be that of any statement since the last fetch.
    """
    if not connection.settings_dict["OPTIONS"].get("server_side_binding"):
        with transaction.atomic():
            yield
        return
    connection.ensure_connection()
    raw: Connection = connection.connection
    with connection.wrap_database_errors:
        try:
            with _gathering(raw):
                raw.execute("BEGIN", prepare=False)
                yield
                raw.execute("COMMIT", prepare=False)
        except BaseException:
            raw.rollback()
            raise


def statement_cursor() -> CursorWrapper | Cursor:
    """A cursor for one statement: Django's, or in a pipelined transaction psycopg's own.

    What Django does around each of ten statements is a tenth of a commit's CPU time; the transaction has it around all.
    """
    raw = connection.connection
    if isinstance(getattr(raw, "_pipeline", None), _Gathering):
        psycopgs: Cursor = raw.cursor()
        return psycopgs
    return connection.cursor()


class _Gathering(Pipeline):
    """Puts off what psycopg does after each statement until an answer is wanted."""

    def _communicate_gen(self) -> PQGen[None]:
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        while self.command_queue:
            self.command_queue.popleft()()
        if flush:
            # With the statements, where psycopg sends it after them.
            self.pgconn.send_flush_request()
        yield from generators.send(self.pgconn)
        yield from super()._fetch_gen(flush=False)


@contextmanager
def _gathering(raw: Connection) -> Iterator[None]:
    pipeline = raw._pipeline = _Gathering(raw)
    try:
        with pipeline:
            yield
    finally:
        raw._pipeline = None
