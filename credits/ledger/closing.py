"""Ends holds: exactly one move wins each; whoever comes later learns what stands."""

from collections.abc import Container
from datetime import datetime
from typing import Any

from credits.amounts import LARGEST
from credits.ledger import sql
from credits.ledger.budgets import Budgets
from credits.ledger.moves import NO_FACTS, Capture, Close, Closed, Outcome, Sweep, Void
from credits.ledger.postings import Postings
from credits.ledger.wallets import Wallet, moment

SWEPT_CHECKPOINT = "checkpoint"
SWEPT_NOTHING = "nothing_delivered"
_UNKNOWN = (None, "", 0, None, None, "[]")


class Closing:
    """One batch's closes, by their numbers in it, inside its transaction.

    Made once the wallets' locks are asked for, it asks for the holds; `end()` is for when `wallets` is filled.
    """

    def __init__(
        self, closes: dict[int, Close], wallets: dict[int, Wallet], postings: Postings, budgets: Budgets
    ) -> None:
        self._closes = closes
        self._wallets = wallets
        self._postings = postings
        self._budgets = budgets
        # Of several that would end one hold in one epoch the first does.
        self._rows: dict[tuple[str, int], tuple[int, tuple[Any, ...]]] = {}
        swept = self._stale({n: move for n, move in closes.items() if isinstance(move, Sweep)})
        for n, move in closes.items():
            if row := swept.get(n) if isinstance(move, Sweep) else _row(move):
                self._rows.setdefault((row[0], row[2]), (n, row))
        self._ended = sql.ask(sql.CLOSE_HOLDS, [row for _, row in self._rows.values()]) if self._rows else None

    def end(self) -> dict[int, Outcome]:
        """Post what ended; outcomes by the closes' numbers."""
        won = {sql.hex_of(id): rest for id, *rest in self._ended.fetchall()} if self._ended else {}
        beginnings = self._beginnings(won)
        outcomes: dict[int, Outcome] = {}
        for n, row in self._rows.values():
            if row[0] in won:
                outcomes[n] = self._won(self._closes[n], row, beginnings.get(row[0]), *won[row[0]])
        if lost := {n: move for n, move in self._closes.items() if n not in outcomes}:
            outcomes.update(self._lost(lost))
        return outcomes

    def _beginnings(self, won: Container[str]) -> dict[str, datetime]:
        """When these calls began, of wallets alone that have lots whose time is over: it says who may use them."""
        late = [row[0] for _, row in self._rows.values() if row[0] in won and self._wallets[row[1]].has_due_lots]
        rows = sql.fetch(sql.READ_BEGINNINGS, late) if late else []
        return {sql.hex_of(id): moment(created_at) for id, created_at in rows}

    def _stale(self, sweeps: dict[int, Sweep]) -> dict[int, tuple[Any, ...]]:
        """Rows that end those still stale, read under lock; a hold that is being beaten lives."""
        rows: dict[int, tuple[Any, ...]] = {}
        by_hold = {move.hold_id.hex: n for n, move in sweeps.items()}
        for stale_s in {move.stale_s for move in sweeps.values()}:
            ids = [move.hold_id.hex for move in sweeps.values() if move.stale_s == stale_s]
            for id, account_id, epoch, delivered, cost in sql.fetch(sql.READ_STALE, ids, stale_s=stale_s):
                ending = ("CAPTURED", cost, SWEPT_CHECKPOINT) if delivered else ("VOIDED", 0, SWEPT_NOTHING)
                rows[by_hold[sql.hex_of(id)]] = (sql.hex_of(id), account_id, epoch, *ending, 1)
        return rows

    def _won(
        self,
        move: Close,
        row: tuple[Any, ...],
        since: datetime | None,
        amount: int,
        captured: int | None,
        key_id: int | None,
        budgets: list[int] | str,
    ) -> Closed:
        wallet = self._wallets[move.account_id]
        wallet.hold(-amount)
        self._budgets.change(sql.ids_of(budgets), held=-amount, spent=captured or 0)
        cost, why = row[4], row[5]
        facts = NO_FACTS if isinstance(move, Sweep) else move.facts
        who = f"key:{key_id}" if key_id else ""
        if captured is not None:
            # The sweep's checkpoint is an estimate: what exceeds the hold is left to a late settle.
            cost = captured if isinstance(move, Sweep) else cost
            key = f"usage:{move.hold_id}"
            self._postings.usage(wallet, key, captured=captured, cost=cost, since=since, why=why, who=who, facts=facts)
        elif isinstance(move, Void):
            self._upstream_expense(move, who)
        return Closed(won=True, captured=captured or 0)

    def _lost(self, lost: dict[int, Close]) -> dict[int, Outcome]:
        ids = [move.hold_id.hex for move in lost.values()]
        standing = {sql.hex_of(id): rest for id, *rest in sql.fetch(sql.READ_HOLDS, ids)}
        settled: dict[str, int] = {}
        outcomes: dict[int, Outcome] = {}
        for n, move in lost.items():
            account_id, state, epoch, captured, key_id, budgets = standing.get(move.hold_id.hex, _UNKNOWN)
            paid = captured or 0
            overtaken = not isinstance(move, Sweep) and state not in ("", "HELD") and move.lease_epoch < epoch
            if overtaken and account_id == move.account_id:
                key = f"adj:{move.hold_id}:1"
                if key not in settled:
                    who = f"key:{key_id}" if key_id else ""
                    settled[key] = self._late(move, key, paid, who, sql.ids_of(budgets))
                paid = settled[key]
            outcomes[n] = Closed(won=False, captured=paid)
        return outcomes

    def _late(self, move: Close, key: str, paid: int, who: str, budgets: list[int]) -> int:
        """Settle what the sweep had ended, once. Returns what the consumer has paid after it."""
        assert not isinstance(move, Sweep)
        expense_key = _expense_key(move)
        used = {used for (used,) in sql.fetch(sql.READ_JOURNALS, [key, expense_key])}
        if key in used:
            ((paid_back,),) = sql.fetch(sql.PAID_BACK, [key], wallet_id=move.account_id)
            return paid - int(paid_back)
        cost = move.cost if isinstance(move, Capture) else 0
        if cost != paid:
            wallet = self._wallets[move.account_id]
            used_by = f"usage:{move.hold_id}"
            self._postings.late(
                wallet, key, used_by=used_by, paid=paid, cost=cost, why=move.basis, who=who, facts=move.facts
            )
        if cost < paid:
            self._budgets.change(budgets, held=0, spent=cost - paid)
        if isinstance(move, Void) and expense_key not in used:
            self._upstream_expense(move, who)
        return min(cost, paid)

    def _upstream_expense(self, move: Void, who: str) -> None:
        if move.upstream_expense:
            self._postings.upstream_expense(
                _expense_key(move), move.upstream_expense, why=move.basis, who=who, facts=move.facts
            )


def _expense_key(move: Close) -> str:
    return f"expense:{move.hold_id}"


def _row(move: Capture | Void) -> tuple[Any, ...]:
    state, cost = ("CAPTURED", move.cost) if isinstance(move, Capture) else ("VOIDED", 0)
    owed = cost if isinstance(move, Capture) else move.upstream_expense
    if not 0 <= owed <= LARGEST:
        raise ValueError(f"{owed} nanocredits are no cost")
    return (move.hold_id.hex, move.account_id, move.lease_epoch, state, cost, move.basis, 0)
