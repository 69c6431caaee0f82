"""What a batch does to lots, and the rows that say so. A wallet without any costs nothing here.

A call uses what expires first, then what never does. A lot that has expired is for the calls alone that began before.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from credits.ledger import sql
from credits.ledger.wallets import OpenLot, Wallet, lot_of


class Lots:
    """Each method moves lots by the part that they have in the journal `key`, before the wallet is posted."""

    def __init__(self) -> None:
        self._made: list[tuple[Wallet, OpenLot, int]] = []
        self._parts: dict[str, list[tuple[OpenLot, int]]] = {}

    def make(self, wallet: Wallet, key: str, amount: int, expires_at: datetime) -> None:
        """Put what is coming in into a lot of its own."""
        lot = OpenLot(None, 0, expires_at, made_by=key)
        self._made.append((wallet, lot, amount))
        wallet.lots.append(lot)
        wallet.lots.sort(key=lambda lot: lot.expires_at)
        self._move(wallet, key, lot, amount)

    def use(self, wallet: Wallet, key: str, amount: int, *, since: datetime | None) -> None:
        """For a call, which began at `since` where some of the lots have expired."""
        if wallet.lots:
            pool = wallet.pool
            first = [lot for lot in wallet.lots if since is None or lot.expires_at > since]
            left = self._draw(wallet, key, amount, first)
            self._draw_last(wallet, key, left - pool)

    def take(self, wallet: Wallet, key: str, amount: int) -> None:
        """For whatever is no call: what never expires first."""
        if wallet.lots:
            self._draw_last(wallet, key, amount - wallet.pool)

    def expire(self, wallet: Wallet, key: str, lot: OpenLot, amount: int) -> None:
        self._move(wallet, key, lot, -amount)

    def give_back(self, wallet: Wallet, key: str, amount: int, *, used_by: str, used: int) -> None:
        """Of what the journal `used_by` took: to the pool first, then to the lots from the last to expire on, as if it
        had taken less.
        """
        taken = self._taken(wallet, used_by)
        left = amount - (used - sum(part for _, part in taken))
        for lot, part in taken:
            back = min(part, left)
            if back > 0:
                self._move(wallet, key, lot, back)
                left -= back

    def write(self) -> None:
        """After the journals and before the wallets."""
        if self._made:
            rows = [
                (wallet.id, lot.made_by, size, lot.remaining, lot.expires_at.isoformat())
                for wallet, lot, size in self._made
            ]
            sql.ask(sql.INSERT_LOTS, rows)
        if self._parts:
            sql.ask(sql.INSERT_LOT_ENTRIES, self._entries())
            changes = {lot.id: lot.change for parts in self._parts.values() for lot, _ in parts if lot.id is not None}
            if changes:
                sql.ask(sql.UPDATE_LOTS, sorted(changes.items()))

    def _entries(self) -> Iterator[tuple[Any, ...]]:
        for key, parts in self._parts.items():
            for lot, amount in parts:
                yield lot.id, lot.made_by, key, amount

    def _draw_last(self, wallet: Wallet, key: str, amount: int) -> None:
        """What the pool doesn't have; of lots that have expired last of all."""
        self._draw(wallet, key, amount, sorted(wallet.lots, key=lambda lot: lot.is_due))

    def _draw(self, wallet: Wallet, key: str, amount: int, lots: Iterable[OpenLot]) -> int:
        """Returns what they didn't have."""
        for lot in lots:
            part = min(lot.remaining, amount)
            if part > 0:
                self._move(wallet, key, lot, -part)
                amount -= part
        return amount

    def _move(self, wallet: Wallet, key: str, lot: OpenLot, amount: int) -> None:
        wallet.move_lot(lot, amount)
        self._parts.setdefault(key, []).append((lot, amount))

    def _taken(self, wallet: Wallet, key: str) -> list[tuple[OpenLot, int]]:
        """By a journal of this batch's or an earlier one; the last to expire first."""
        if key in self._parts:
            return [(lot, -amount) for lot, amount in reversed(self._parts[key])]
        known = {lot.id: lot for lot in wallet.lots}
        taken = []
        for part, *row in sql.fetch(sql.READ_LOTS_USED, [key]):
            lot = known.get(row[0]) or lot_of(*row)
            if lot.id not in known:
                wallet.lots.append(lot)
            taken.append((lot, part))
        wallet.lots.sort(key=lambda lot: lot.expires_at)
        return taken
