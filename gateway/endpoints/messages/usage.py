"""Usage in Anthropic's words, in which what was read from a cache or written to one is no part of the input."""

from typing import Any

from credits.amounts import to_text
from gateway.exchange import Exchange
from gateway.transports.base import Body


def usage_of(exchange: Exchange) -> Body:
    """As it is billed: the provider's counts, or ours where it reported none."""
    counts = exchange.meter.usage or exchange.counted_usage()
    return {
        "input_tokens": counts.uncached,
        "cache_creation_input_tokens": counts.cache_write,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.output,
    }


def with_cost(usage: Any, exchange: Exchange) -> Body:
    """`usage`, if it is any, with what the call has cost; it is settled by then."""
    told: Body = dict(usage) if isinstance(usage, dict) else {}
    return {**(told if exchange.meter.usage else usage_of(exchange)), "cost_credits": to_text(exchange.charged_nano)}
