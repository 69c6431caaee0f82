"""The rows of money."""

from credits.models.account import Account
from credits.models.budget import Budget, HoldBudget
from credits.models.check import LedgerCheck
from credits.models.hold import Hold
from credits.models.journal import Entry, Journal
from credits.models.tier import PowerLevel, Tier

__all__ = ["Account", "Budget", "Entry", "Hold", "HoldBudget", "Journal", "LedgerCheck", "PowerLevel", "Tier"]
