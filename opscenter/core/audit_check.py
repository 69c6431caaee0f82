"""The audit log's proof: every entry read in one snapshot, while others write. Used by `verify_audit`, and nightly."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from opscenter.core import append_only, audit_chain
from opscenter.core.db import consistent_read
from opscenter.core.models import AuditEntry, AuditHead

_AT_ONCE = 1000


class Anchor(NamedTuple):
    """A number and its hash, noted outside the database when they were the chain's end."""

    number: int
    entry_hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.entry_hash}"


class Report(NamedTuple):
    """How long the chain is, how it ends, and what is wrong with it, in words."""

    entries: int
    end: Anchor
    problems: list[str]


def check(anchors: Iterable[Anchor] = ()) -> Report:
    """Read the whole log, and keep how many problems there are for the front page.

    An anchor that the chain does not go through is one too.
    """
    with consistent_read(connection):
        head = AuditHead.objects.filter(pk=1).first()
        chain = _Chain({anchor.number: anchor for anchor in anchors})
        problems = [
            *_about_triggers(),
            *chain.read(),
            *_about_the_end(chain.end, head),
            *_past_the_chain(),
        ]
    AuditHead.objects.filter(pk=1).update(checked_at=timezone.now(), problems=len(problems))
    return Report(chain.entries, chain.end, problems)


class _Chain:
    """What has been read of the chain so far."""

    def __init__(self, anchors: dict[int, Anchor]) -> None:
        self.anchors = anchors
        self.entries = 0
        self.end = Anchor(0, "")

    def read(self) -> Iterator[str]:
        rows = AuditEntry.objects.filter(number__isnull=False).order_by("number", "pk")
        try:
            for entry in rows.iterator(chunk_size=_AT_ONCE):
                yield from self._link(entry)
                self.entries += 1
                self.end = Anchor(entry.number or 0, entry.entry_hash)
        except (ValueError, TypeError, AttributeError) as error:
            # What a column of SQLite's can hold is more than what its field can read.
            yield f"What follows entry {self.end.number} can't be read ({type(error).__name__})."
        for anchor in self.anchors.values():
            yield f"Entry {anchor.number}, which was noted as {anchor.entry_hash}, is missing."

    def _link(self, entry: AuditEntry) -> Iterator[str]:
        number = entry.number or 0
        expected = self.end.number + 1
        if number > expected:
            yield f"Entry {expected} is missing." if number == expected + 1 else _missing(expected, number - 1)
        elif number < expected:
            yield f"Entry {number} is there more than once."
        elif entry.previous_hash != self.end.entry_hash:
            yield f"Entry {number} does not follow on entry {number - 1}: one of the two is not what was written there."
        if audit_chain.hash_of(entry) != entry.entry_hash:
            yield f"Entry {number} (ID {entry.pk}) was changed: its content does not match its hash."
        anchor = self.anchors.pop(number, None)
        if anchor and anchor.entry_hash != entry.entry_hash:
            yield f"Entry {number} is not the one that was noted: its hash is {entry.entry_hash}."


def _missing(first: int, last: int) -> str:
    return f"Entries {first} to {last} are missing."


def _about_triggers() -> Iterator[str]:
    table = AuditEntry._meta.db_table
    if missing := append_only.missing(connection, table):
        yield f"The database would let entries be changed: {table} lacks the triggers {', '.join(missing)}."


def _about_the_end(end: Anchor, head: AuditHead | None) -> Iterator[str]:
    if head is None:
        yield "The chain's head is missing: entries at its end may be missing too."
        return
    if head.number > end.number:
        yield f"The end is cut off: {_missing(end.number + 1, head.number)}"
    elif head.number < end.number:
        yield f"Entries {head.number + 1} to {end.number} are behind the chain's head: they were not written here."
    elif head.entry_hash != end.entry_hash:
        yield f"Entry {end.number} is not the one that the chain's head names."
    if not audit_chain.is_sealed(head):
        yield (
            "The chain's head is not sealed under this installation's key ring: the head was changed, "
            "the log belongs to another installation, or the ring lost a key."
        )


def _past_the_chain() -> Iterator[str]:
    for pk in AuditEntry.objects.filter(number__isnull=True).order_by("pk").values_list("pk", flat=True):
        yield f"The entry with ID {pk} was written past the chain."
