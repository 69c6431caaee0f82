"""Counts what provider keys were used for: bookkeeping, and so neither audited nor announced to the workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from llmconfig.models import ProviderKey


@dataclass(slots=True)
class KeyUse:
    """What is to be added to a key's counters."""

    requests: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    last_used: datetime | None = None

    def add(self, *, tokens: int, cost_usd: Decimal, at: datetime) -> None:
        self.requests += 1
        self.tokens += tokens
        self.cost_usd += cost_usd
        self.last_used = max(self.last_used or at, at)


def count(uses: Mapping[int, KeyUse]) -> None:
    """Add each use to its key, in the order of their ids, so that two batches can't wait for each other."""
    for key_id, use in sorted(uses.items()):
        ProviderKey.objects.filter(pk=key_id).update(
            requests_count=F("requests_count") + use.requests,
            tokens_used=F("tokens_used") + use.tokens,
            cost_usd=F("cost_usd") + use.cost_usd,
            last_used=use.last_used,
        )
