"""Admin pages of money: accounts and rates are managed, the ledger is only read."""

from credits.admin import accounts, budgets, checks, entries, holds, journals, rates  # noqa: F401 - each registers its pages
