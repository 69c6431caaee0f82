"""The rows of money."""

from credits.models.account import Account
from credits.models.budget import Budget, BudgetMark, BudgetPeriod, HoldBudget
from credits.models.check import LedgerCheck
from credits.models.hold import Hold
from credits.models.journal import Entry, Journal
from credits.models.lot import Lot, LotEntry
from credits.models.low_balance import AlertRules, LowBalance
from credits.models.manual_adjustment import ManualAdjustment
from credits.models.plan import Plan
from credits.models.purchase import Package, Purchase, Reversal
from credits.models.rate_version import RateVersion
from credits.models.stripe_event import StripeEvent, StripeReconciliation
from credits.models.tier import PowerLevel, Tier

__all__ = [
    "Account",
    "AlertRules",
    "Budget",
    "BudgetMark",
    "BudgetPeriod",
    "Entry",
    "Hold",
    "HoldBudget",
    "Journal",
    "LedgerCheck",
    "Lot",
    "LotEntry",
    "LowBalance",
    "ManualAdjustment",
    "Package",
    "Plan",
    "PowerLevel",
    "Purchase",
    "RateVersion",
    "Reversal",
    "StripeEvent",
    "StripeReconciliation",
    "Tier",
]
