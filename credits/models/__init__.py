"""The rows of money."""

from credits.models.account import Account
from credits.models.hold import Hold
from credits.models.journal import Entry, Journal
from credits.models.tier import PowerLevel, Tier

__all__ = ["Account", "Entry", "Hold", "Journal", "PowerLevel", "Tier"]
