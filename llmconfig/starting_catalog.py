"""What a fresh installation has in its catalog: starting_catalog.csv, models in four tiers of cost.

Prices there are USD per 1M tokens, of input and output alike. A provider's models answer once its key is stored.
"""

import csv
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from llmconfig.models import Purpose
from llmconfig.offer import Offer

_FILE = Path(__file__).with_suffix(".csv")


@lru_cache(maxsize=1)
def offers() -> tuple[Offer, ...]:
    """In the order of their tiers."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_offer(row) for row in csv.DictReader(file))


def by_provider() -> dict[str, list[Offer]]:
    """By provider's slug or type of AI server."""
    found: dict[str, list[Offer]] = {}
    for offer in offers():
        found.setdefault(offer.provider, []).append(offer)
    return found


def _offer(row: dict[str, str]) -> Offer:
    price = Decimal(row["usd_per_mtok"])
    return Offer(
        name=row["name"],
        provider=row["provider"],
        upstream_model=row["upstream_model"],
        purpose=Purpose.CHAT.value,
        rates={"input_price": price, "output_price": price},
        model={
            "tier": row["tier"],
            "use_case_tags": row["use_case_tags"].split(),
            "context_window": int(row["context_window"]),
            "max_output_tokens": int(row["max_output_tokens"]),
            "quality_score": Decimal(row["quality_score"]),
            "latency_class": row["latency_class"],
            "privacy": row["privacy"],
        },
        deployment={limit: int(row[limit]) for limit in ("rpm", "tpm") if row[limit]},
    )
