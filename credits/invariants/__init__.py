"""What is true of the ledger at any moment, in SQL that selects what breaks it."""

from credits.invariants import books, debts, holds, lots, purchases
from credits.invariants.invariant import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    *books.INVARIANTS,
    *holds.INVARIANTS,
    *purchases.INVARIANTS,
    *lots.INVARIANTS,
    *debts.INVARIANTS,
)
