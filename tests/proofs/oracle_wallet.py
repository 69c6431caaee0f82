"""One wallet as it should be: piles of credits, each with the hour at which it expires."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf


@dataclass(eq=False)
class Pile:
    """`expires` in hours of the oracle's clock; `left` of what was given."""

    expires: float
    left: int


Parts = list[tuple[Pile, int]]


@dataclass
class OracleWallet:
    held: int = 0
    debt: int = 0
    frozen: bool = False
    lots: list[Pile] = field(default_factory=list)
    pool: Pile = field(default_factory=lambda: Pile(inf, 0))

    @property
    def posted(self) -> int:
        return sum(pile.left for pile in self.piles)

    @property
    def available(self) -> int:
        return self.posted - self.held

    @property
    def piles(self) -> list[Pile]:
        """What expires first is first, what was given first before others of that hour."""
        return sorted([*self.lots, self.pool], key=lambda pile: pile.expires)

    @property
    def open_lots(self) -> list[int]:
        return [pile.left for pile in self.piles if pile.left and pile is not self.pool]

    def use(self, amount: int, born: float) -> Parts:
        """For a call that began at `born`: what had expired by then isn't for it."""
        return _draw([pile for pile in self.piles if pile.expires > born], amount)

    def take(self, amount: int, now: float) -> Parts:
        """For anything else."""
        return _draw(
            [self.pool, *(pile for pile in self.piles if pile is not self.pool and pile.expires > now)], amount
        )

    def expire(self, now: float, holds: Iterable[tuple[float, int]]) -> tuple[int, int]:
        """(expired, kept): each lot keeps what calls that began before its time may still take, after the lots before.

        `holds` are the open ones' (born, amount).
        """
        expired = kept = 0
        for lot in [pile for pile in self.piles if pile.expires <= now]:
            needed = max(0, sum(amount for born, amount in holds if born < lot.expires) - kept)
            gone = max(0, lot.left - needed)
            lot.left -= gone
            expired, kept = expired + gone, kept + lot.left
        return expired, kept


def _draw(piles: Iterable[Pile], amount: int) -> Parts:
    parts: Parts = []
    for pile in piles:
        part = min(pile.left, amount)
        if part:
            pile.left -= part
            amount -= part
            parts.append((pile, part))
    assert amount == 0
    return parts


def shrink(parts: Parts, amount: int) -> Parts:
    """As if only `amount` had been drawn; the rest is put back."""
    kept: Parts = []
    for pile, part in parts:
        keep = min(part, amount)
        pile.left += part - keep
        amount -= keep
        kept.append((pile, keep))
    return kept
