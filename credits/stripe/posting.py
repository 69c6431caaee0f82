"""Moves in the ledger, inside a transaction of Stripe's affairs: all of them are made, or it fails."""

from credits.errors import LedgerBroken
from credits.ledger import book
from credits.ledger.moves import Broken, Move, Outcome, Posted, Refused


def apply(*moves: Move) -> list[Outcome]:
    """Raises LedgerBroken for a move that the ledger refuses, or whose key stands although our rows don't say so."""
    outcomes = book.apply(moves)
    for outcome in outcomes:
        if isinstance(outcome, Broken):
            raise LedgerBroken("The ledger refused this.") from outcome.error
        if isinstance(outcome, Refused) or (isinstance(outcome, Posted) and not outcome.made):
            raise LedgerBroken("The ledger knows this already, or has no such wallet; our rows say otherwise.")
    return outcomes
