"""The wallets that a batch has locked, and their lots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from credits.ledger import sql
from credits.ledger.moves import Move, Reserve


@dataclass(slots=True, eq=False)
class OpenLot:
    """A lot as it will be once the batch commits. `kept`: what holds that were made before it expired may still take.

    `id` is None where this batch makes it; `made_by` is then the key of the journal that does.
    """

    id: int | None
    remaining: int
    expires_at: datetime
    is_due: bool = False
    kept: int = 0
    made_by: str = ""
    change: int = 0


@dataclass(slots=True)
class Wallet:
    """A locked wallet, as it will be once the batch commits; the changes are what it adds to the row."""

    id: int
    user_id: int
    posted: int
    held: int
    entries_count: int
    frozen: bool
    debt: int = 0
    expiring: int = 0
    is_due: bool = False
    lots: list[OpenLot] = field(default_factory=list)
    posted_change: int = 0
    held_change: int = 0
    entries_change: int = 0
    debt_change: int = 0
    expiring_change: int = 0
    has_moved_lots: bool = False

    @property
    def available(self) -> int:
        return self.posted - self.held

    @property
    def pool(self) -> int:
        """What never expires."""
        return self.posted - self.expiring

    @property
    def has_due_lots(self) -> bool:
        return bool(self.lots) and self.lots[0].is_due

    def hold(self, amount: int) -> None:
        """Reserve `amount`; a negative one releases."""
        self.held += amount
        self.held_change += amount

    def post(self, amount: int) -> tuple[int, int]:
        """Book `amount` and return the entry's (version, balance_after)."""
        self.posted += amount
        self.posted_change += amount
        self.entries_count += 1
        self.entries_change += 1
        return self.entries_count, self.posted

    def owe(self, amount: int) -> None:
        """Owe `amount` more; a negative one pays."""
        self.debt += amount
        self.debt_change += amount

    def move_lot(self, lot: OpenLot, amount: int) -> None:
        lot.remaining += amount
        lot.change += amount
        self.expiring += amount
        self.expiring_change += amount
        self.has_moved_lots = True

    @property
    def changes(self) -> tuple[int, int, int, int, int, int, int]:
        sums = self.posted_change, self.held_change, self.entries_change, self.debt_change, self.expiring_change
        return self.id, *sums, int(self.has_moved_lots)

    @property
    def is_changed(self) -> bool:
        return bool(self.posted_change or self.held_change or self.entries_change or self.debt_change)


def read(rows: Iterable[tuple[Any, ...]], moves: Sequence[Move]) -> dict[int, Wallet]:
    """From the rows of LOCK_WALLETS. Lots are read of those alone that have some which the moves may touch."""
    wallets: dict[int, Wallet] = {}
    for id, user_id, posted, held, entries_count, status, debt, expiring, is_due in rows:
        frozen = status == "frozen"
        wallets[id] = Wallet(id, user_id, posted, held, entries_count, frozen, debt, expiring, bool(is_due))
    moved = {move.account_id for move in moves if not isinstance(move, Reserve)}
    with_lots = [id for id, wallet in wallets.items() if wallet.is_due or (wallet.expiring and id in moved)]
    if with_lots:
        for wallet_id, *row in sql.fetch(sql.READ_LOTS, with_lots):
            wallets[wallet_id].lots.append(lot_of(*row))
    return wallets


def lot_of(id: int, remaining: int, expires_at: datetime | str, is_due: bool | int, kept: int) -> OpenLot:
    return OpenLot(id, remaining, moment(expires_at), bool(is_due), int(kept))


def moment(value: datetime | str) -> datetime:
    """A moment as it came: SQLite gives it in UTC without saying so, of an expression as text."""
    came = datetime.fromisoformat(value) if isinstance(value, str) else value
    return came if came.tzinfo else came.replace(tzinfo=UTC)
