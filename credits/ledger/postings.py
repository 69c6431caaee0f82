"""The journals that a batch will write about its wallets, their debts and lots."""

from datetime import datetime
from typing import Any

from credits.ledger import sql
from credits.ledger.lots import Lots
from credits.ledger.moves import NO_FACTS, Facts, Post, Posted
from credits.ledger.wallets import Wallet

REVENUE = "revenue"
OVERRUN = "expense:overrun"
UPSTREAM = "expense:upstream"
EXPIRED = "expired"


class Postings:
    """Journals and entries as rows for INSERT. Each method books all sides of a journal."""

    def __init__(self) -> None:
        self._journals: list[tuple[str, str, str, str]] = []
        self._entries: list[tuple[Any, ...]] = []
        self._lots = Lots()

    def usage(
        self,
        wallet: Wallet,
        key: str,
        *,
        captured: int,
        cost: int,
        since: datetime | None,
        why: str,
        who: str,
        facts: Facts,
    ) -> None:
        """wallet -captured, revenue +cost; what the hold didn't cover is the operator's. `since`: see Lots.use."""
        if cost == 0:
            return
        self._journals.append((key, "usage", why, who))
        if captured:
            self._lots.use(wallet, key, captured, since=since)
            self._on_wallet(key, wallet, -captured, facts)
        if cost > captured:
            self._on_system(key, OVERRUN, captured - cost, facts)
        self._on_system(key, REVENUE, cost, facts)

    def late(
        self, wallet: Wallet, key: str, *, used_by: str, paid: int, cost: int, why: str, who: str, facts: Facts
    ) -> None:
        """The true cost of a request that the sweep had ended: less comes back, more is the operator's."""
        self._journals.append((key, "adjustment", why, who))
        if cost < paid:
            self._lots.give_back(wallet, key, paid - cost, used_by=used_by, used=paid)
            self._on_wallet(key, wallet, paid - cost, facts)
        else:
            self._on_system(key, OVERRUN, paid - cost, facts)
        self._on_system(key, REVENUE, cost - paid, facts)

    def upstream_expense(self, key: str, amount: int, *, why: str, who: str, facts: Facts) -> None:
        self._journals.append((key, "upstream_expense", why, who))
        self._on_system(key, UPSTREAM, -amount, facts)
        self._on_system(key, REVENUE, amount, facts)

    def post(self, wallet: Wallet, move: Post) -> Posted:
        """What comes in pays debt first; what goes out and isn't there is owed."""
        self._journals.append((move.key, move.kind, move.reason, move.actor))
        paid, lacking = min(wallet.debt, max(move.amount, 0)), max(0, -move.amount - wallet.available)
        debt_change = lacking - paid
        wallet_change = move.amount + debt_change
        if wallet_change < 0:
            self._lots.take(wallet, move.key, -wallet_change)
        elif wallet_change and move.expires_at:
            self._lots.make(wallet, move.key, wallet_change, move.expires_at)
        self._on_wallet_and_debt(move.key, wallet, wallet_change, debt_change)
        self._on_system(move.key, move.against, -move.amount, NO_FACTS)
        return Posted(made=True, wallet_change=wallet_change, debt_change=debt_change)

    def expire(self, wallet: Wallet) -> int:
        """Take out what remains of lots that have expired, but for what holds that were made before may still take."""
        expired = ahead = 0
        for lot in [lot for lot in wallet.lots if lot.is_due]:
            amount = min(ahead + lot.remaining - lot.kept, lot.remaining, wallet.available)
            if amount > 0:
                key = f"expiry:{lot.id}:{wallet.entries_count + 1}"
                self._journals.append((key, "expiry", f"expired at {lot.expires_at:%Y-%m-%d %H:%M:%S} UTC", ""))
                self._lots.expire(wallet, key, lot, amount)
                self._on_wallet(key, wallet, -amount, NO_FACTS)
                self._on_system(key, EXPIRED, amount, NO_FACTS)
                expired += amount
            ahead += lot.remaining
        return expired

    def pay_debt(self, wallet: Wallet) -> None:
        """From what has become available."""
        amount = min(wallet.debt, wallet.available)
        if amount > 0:
            key = f"debt:{wallet.id}:{wallet.entries_count + 1}"
            self._journals.append((key, "debt_payment", "", ""))
            self._lots.take(wallet, key, amount)
            self._on_wallet_and_debt(key, wallet, -amount, -amount)

    def write(self) -> None:
        """Before the wallets."""
        if self._journals:
            sql.ask(sql.INSERT_JOURNALS, self._journals)
            sql.ask(sql.INSERT_ENTRIES, self._entries)
            self._lots.write()

    def _on_wallet_and_debt(self, key: str, wallet: Wallet, wallet_change: int, debt_change: int) -> None:
        if wallet_change:
            self._on_wallet(key, wallet, wallet_change, NO_FACTS)
        if debt_change:
            wallet.owe(debt_change)
            self._on_system(key, f"debt:{wallet.user_id}", -debt_change, NO_FACTS)

    def _on_wallet(self, key: str, wallet: Wallet, amount: int, facts: Facts) -> None:
        version, balance = wallet.post(amount)
        self._entries.append((key, wallet.id, None, amount, version, balance, *facts))

    def _on_system(self, key: str, code: str, amount: int, facts: Facts) -> None:
        self._entries.append((key, None, code, amount, None, None, *facts))
