"""Usage in the words of OpenAI's responses."""

from typing import Any

from credits.amounts import to_text
from gateway.exchange import Exchange
from gateway.transports.base import Body


def usage_of(exchange: Exchange) -> Body:
    """As it is billed: the provider's counts, or ours where it reported none."""
    counts = exchange.meter.usage or exchange.counted_usage()
    prompt = counts.uncached + counts.cached + counts.cache_write
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.cache_write},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": _thoughts(exchange.meter.reported)},
        "total_tokens": prompt + counts.output,
    }


def with_cost(usage: Any, exchange: Exchange) -> Body:
    """`usage`, if it is any, with what the call has cost; it is settled by then."""
    told: Body = usage if exchange.meter.usage and isinstance(usage, dict) else usage_of(exchange)
    return {**told, "cost_credits": to_text(exchange.charged_nano)}


def _thoughts(reported: Body | None) -> int:
    details = (reported or {}).get("completion_tokens_details")
    tokens = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return tokens if type(tokens) is int else 0
