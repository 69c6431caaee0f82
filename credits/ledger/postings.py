"""The wallets a batch has locked, and the journals it will write about them."""

from dataclasses import dataclass, field
from typing import Any

from credits.ledger.moves import NO_FACTS, Facts

REVENUE = "revenue"
OVERRUN = "expense:overrun"
UPSTREAM = "expense:upstream"


@dataclass(slots=True)
class Wallet:
    """A locked wallet, as it will be once the batch commits; the changes are what it adds to the row."""

    id: int
    posted: int
    held: int
    entries_count: int
    frozen: bool
    posted_change: int = 0
    held_change: int = 0
    entries_change: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.held

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

    @property
    def changes(self) -> tuple[int, int, int, int]:
        return self.id, self.posted_change, self.held_change, self.entries_change

    @property
    def is_changed(self) -> bool:
        return bool(self.posted_change or self.held_change or self.entries_change)


@dataclass(slots=True)
class Postings:
    """Journals and entries as rows for INSERT. Each method books both sides of a journal."""

    journals: list[tuple[str, str, str, str]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)

    def usage(self, wallet: Wallet, key: str, *, captured: int, cost: int, why: str, who: str, facts: Facts) -> None:
        """wallet -captured, revenue +cost; what the hold didn't cover is the operator's."""
        if cost == 0:
            return
        self.journals.append((key, "usage", why, who))
        if captured:
            self._on_wallet(key, wallet, -captured, facts)
        if cost > captured:
            self._on_system(key, OVERRUN, captured - cost, facts)
        self._on_system(key, REVENUE, cost, facts)

    def late(self, wallet: Wallet, key: str, *, paid: int, cost: int, why: str, who: str, facts: Facts) -> None:
        """The true cost of a request that the sweep had ended: less comes back, more is the operator's."""
        self.journals.append((key, "adjustment", why, who))
        if cost < paid:
            self._on_wallet(key, wallet, paid - cost, facts)
        else:
            self._on_system(key, OVERRUN, paid - cost, facts)
        self._on_system(key, REVENUE, cost - paid, facts)

    def upstream_expense(self, key: str, amount: int, *, why: str, who: str, facts: Facts) -> None:
        self.journals.append((key, "upstream_expense", why, who))
        self._on_system(key, UPSTREAM, -amount, facts)
        self._on_system(key, REVENUE, amount, facts)

    def transfer(self, wallet: Wallet, key: str, amount: int, *, against: str, kind: str, why: str, who: str) -> None:
        self.journals.append((key, kind, why, who))
        self._on_wallet(key, wallet, amount, NO_FACTS)
        self._on_system(key, against, -amount, NO_FACTS)

    def _on_wallet(self, key: str, wallet: Wallet, amount: int, facts: Facts) -> None:
        version, balance = wallet.post(amount)
        self.entries.append((key, wallet.id, None, amount, version, balance, *facts))

    def _on_system(self, key: str, code: str, amount: int, facts: Facts) -> None:
        self.entries.append((key, None, code, amount, None, None, *facts))
