"""The ledger's proof: every invariant, read in one snapshot while traffic runs."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from credits.invariants import INVARIANTS
from credits.invariants.invariant import Invariant
from opscenter.core.db import consistent_read


class Problem(NamedTuple):
    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.text}"


def check() -> list[Problem]:
    """Every problem of the ledger as it is at one moment; none is how it should be."""
    with consistent_read(connection):
        return [problem for invariant in INVARIANTS for problem in _broken(invariant)]


def _broken(invariant: Invariant) -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(invariant.statement(connection.vendor), {"stale_s": invariant.ago_s})
        for row in cursor.fetchall():
            yield Problem(invariant.name, invariant.text.format(*row))
