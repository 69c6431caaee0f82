"""Admin pages of money: accounts and rates are managed, the ledger is only read."""

from credits.admin import (  # noqa: F401 - each registers its pages
    accounts,
    adjustments,
    alert_rules,
    budgets,
    checks,
    entries,
    holds,
    journals,
    lots,
    offers,
    purchases,
    rate_versions,
    rates,
    stripe_events,
)
