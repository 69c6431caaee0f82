"""Admin pages of money: accounts and rates are managed, the ledger is only read."""

from credits.admin import accounts, entries, holds, journals, rates  # noqa: F401 - each registers its pages
