"""The words in which limits are asked for and answered; the same for Redis and for a process's own memory.

A window is the last WINDOW_S seconds of the clock, the present one included: no 60 seconds in a row see more than the
limit. docs/adr/0007 says why.
"""

from enum import IntEnum
from typing import NamedTuple

WINDOW_S = 60


class Kind(IntEnum):
    RPM = 0
    TPM = 1
    CONCURRENCY = 2


class Claim(NamedTuple):
    """What one limit is asked for: 1 of RPM and CONCURRENCY, from `least` to `most` tokens of TPM.

    Of tokens a take gets as many as all its claims have left, the same of each. One whose `least` is above the limit
    itself is content with the whole window. `key` names the counter, such as "key:12:rpm".
    """

    kind: Kind
    key: str
    limit: int
    least: int = 1
    most: int = 1

    @property
    def needed(self) -> int:
        """What must be left for a take to be granted."""
        return 1 if self.kind is Kind.CONCURRENCY else min(self.least, self.limit)

    def share(self, processes: int) -> "Claim":
        """What one of `processes` may give out where they don't know of each other."""
        return self._replace(limit=max(1, self.limit // processes))


class Take(NamedTuple):
    """All of `claims` or none, in one step; `id` is what the slots of CONCURRENCY are held under."""

    id: str
    claims: tuple[Claim, ...]


class State(NamedTuple):
    """A limit after a take: what is left, when all of it is free again, and the second that was charged."""

    left: int
    reset_ms: int
    second: int


class Outcome(NamedTuple):
    """`refused` is the place of the claim that has to wait longest, or -1; `granted` is what each TPM claim got."""

    refused: int
    wait_ms: int
    granted: int
    states: tuple[State, ...]


class Change(NamedTuple):
    """A slot to free, or `tokens` to add to what was charged in `second`; fewer than none are given back."""

    kind: Kind
    key: str
    second: int = 0
    tokens: int = 0


class Give(NamedTuple):
    """What a call has no use for any more."""

    id: str
    changes: tuple[Change, ...]


class Renew(NamedTuple):
    """The ids that still hold a slot, by counter."""

    slots: dict[str, list[str]]


Operation = Take | Give | Renew
