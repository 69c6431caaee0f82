"""Keys, and what was done with them."""

from gateway.models.former_secret import FormerSecret
from gateway.models.idempotent_call import IdempotentCall
from gateway.models.margin_stat import MarginStat
from gateway.models.pruned_month import PrunedMonth
from gateway.models.request import AttemptRow, RequestRow
from gateway.models.usage_stat import UsageStat
from gateway.models.virtual_key import VirtualKey

__all__ = [
    "AttemptRow",
    "FormerSecret",
    "IdempotentCall",
    "MarginStat",
    "PrunedMonth",
    "RequestRow",
    "UsageStat",
    "VirtualKey",
]
