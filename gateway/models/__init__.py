"""Keys, and what was done with them."""

from gateway.models.margin_stat import MarginStat
from gateway.models.request import AttemptRow, RequestRow
from gateway.models.usage_stat import UsageStat
from gateway.models.virtual_key import VirtualKey

__all__ = ["AttemptRow", "MarginStat", "RequestRow", "UsageStat", "VirtualKey"]
