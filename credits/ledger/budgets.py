"""The budgets that a batch's holds count against.

Locked after the batch's wallets and before its holds: missing rows are made in the order of their keys, then all are
locked in the order of their ids, so that batches which share budgets but no wallet never wait in a circle.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from credits.amounts import LARGEST
from credits.ledger import sql
from credits.ledger.moves import BudgetCap, Close, Reserve, Sweep
from credits.models.budget import BudgetMark

Key = tuple[str, int, str]
_NO_KEY = (None, None, None)


@dataclass(slots=True)
class LockedBudget:
    """A budget as it will be once the batch commits; the changes are what it adds to the row."""

    id: int
    cap: int
    spent: int
    held: int
    spent_change: int = 0
    held_change: int = 0
    is_changed: bool = False
    refused_least: bool = False
    percent_before: int = field(init=False)

    def __post_init__(self) -> None:
        self.percent_before = self._percent

    @property
    def left(self) -> int:
        return max(0, self.cap - self.spent - self.held)

    def recap(self, cap: int) -> None:
        self.is_changed |= cap != self.cap
        self.cap = cap

    def change(self, *, held: int, spent: int) -> None:
        self.held += held
        self.held_change += held
        self.spent += spent
        self.spent_change += spent
        self.is_changed = True

    @property
    def marks(self) -> list[tuple[int, int]]:
        """The parts of its cap that it has come to in this batch. What refuses the least of calls is used up."""
        reached = 100 if self.refused_least else self._percent
        return [(self.id, part) for part in BudgetMark.PERCENTS if self.percent_before < part <= reached]

    @property
    def _percent(self) -> int:
        return self.spent * 100 // self.cap if self.cap else 0

    @property
    def changes(self) -> tuple[int, int, int, int]:
        return self.id, self.cap, self.spent_change, self.held_change


class Budgets:
    """Made once the wallets' locks are asked for, it asks for its own; `read()` is for when answers are fetched."""

    def __init__(self, reserves: Collection[Reserve], closes: Collection[Close]) -> None:
        self._locked: dict[Key, LockedBudget] = {}
        self._by_id: dict[int, LockedBudget] = {}
        self._links: list[tuple[str, int]] = []
        caps = {cap.key: _checked(cap) for move in reserves for cap in move.counted}
        if caps:
            sql.ask(sql.MAKE_BUDGETS, sorted(caps.values()))
        known: set[int] = set()
        sought: list[str] = []
        for close in closes:
            if isinstance(close, Sweep) or close.budgets is None:
                sought.append(close.hold_id.hex)
            else:
                known.update(close.budgets)
        wanted: list[tuple[object, ...]] = [(None, *key, None) for key in sorted(caps)]
        wanted += ((id, *_NO_KEY, None) for id in sorted(known))
        wanted += ((None, *_NO_KEY, hold_id) for hold_id in sought)
        statement = sql.LOCK_BUDGETS_AND_THOSE_OF_HOLDS if sought else sql.LOCK_BUDGETS
        self._locking = sql.ask(statement, wanted) if wanted else None

    def read(self) -> None:
        for scope, scope_id, window, *rest in self._locking.fetchall() if self._locking else ():
            budget = LockedBudget(*rest)
            self._locked[scope, scope_id, window] = self._by_id[budget.id] = budget

    def change(self, ids: list[int], *, held: int, spent: int) -> None:
        """Add to each of these, which are a hold's that one of the closes is about."""
        for id in ids:
            self._by_id[id].change(held=held, spent=spent)

    def left(self, move: Reserve) -> tuple[int, BudgetCap | None]:
        """What the tightest of the move's budgets has left, under the caps that it brings along."""
        least, tightest = LARGEST, None
        for cap in move.counted:
            budget = self._locked[cap.key]
            budget.recap(cap.cap_nano)
            if tightest is None or budget.left < least:
                least, tightest = budget.left, cap
        return least, tightest

    def refuse(self, move: Reserve, tightest: BudgetCap | None) -> None:
        """`move` finds too little left. It may be used up: if nothing were held, the move would find too little too.

        Not where the caller insisted on more than the least that there is.
        """
        if tightest is not None and move.minimum < move.amount:
            budget = self._locked[tightest.key]
            budget.refused_least |= budget.cap - budget.spent < move.minimum and budget.spent > 0

    def hold(self, move: Reserve, amount: int) -> tuple[int, ...]:
        """Returns the ids of the budgets that it counts against from here on."""
        budgets = [self._locked[cap.key] for cap in move.counted]
        for budget in budgets:
            budget.change(held=amount, spent=0)
            self._links.append((move.hold_id.hex, budget.id))
        return tuple(budget.id for budget in budgets)

    def write(self) -> None:
        """After the holds: the links refer to them."""
        changes = [budget.changes for budget in self._locked.values() if budget.is_changed]
        if changes:
            sql.ask(sql.UPDATE_BUDGETS, changes)
        if self._links:
            sql.ask(sql.INSERT_HOLD_BUDGETS, self._links)
        if marks := [mark for budget in self._locked.values() for mark in budget.marks]:
            sql.ask(sql.MARK_BUDGETS, sorted(marks))


def _checked(cap: BudgetCap) -> BudgetCap:
    """SQLite would keep what is too large for an integer as a float."""
    if not 0 <= cap.cap_nano <= LARGEST or abs(cap.scope_id) > LARGEST:
        raise ValueError(f"{cap} is no budget")
    return cap
