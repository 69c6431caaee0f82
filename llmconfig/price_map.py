"""LiteLLM's bundled list of models and prices, read as data: nothing is imported, nobody is called.

Prices there are USD per token, in floats that are read as the decimals they were written as.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmconfig.models import Purpose
from llmconfig.offer import Offer
from llmconfig.providers import provider_for
from opscenter.core.tiers import Tier

Entry = Mapping[str, Any]

_FILE = "model_prices_and_context_window_backup.json"
_PURPOSES = {"chat": Purpose.CHAT, "embedding": Purpose.EMBEDDINGS, "rerank": Purpose.RERANKING}
_PER_MTOK = {
    "input_price": "input_cost_per_token",
    "cached_input_price": "cache_read_input_token_cost",
    "cache_write_price": "cache_creation_input_token_cost",
    "output_price": "output_cost_per_token",
}
_TAGS = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "json",
}
# Their models go by their own names; what others host is named after its host, as in groq/openai/gpt-oss-20b.
_MAKERS = {"openai", "anthropic", "google", "mistral", "deepseek", "xai"}
_MILLIONTH = Decimal("0.000001")
_MOST_USD = Decimal(999_999_999)
# The dearest rate, in USD per 1M tokens, up to which a model is for consumers of a tier.
_TIERS = ((Decimal(0), Tier.FREE), (Decimal(3), Tier.STARTER), (Decimal(10), Tier.PROFESSIONAL))


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider's offers by name, and why how many others are none."""

    offers: tuple[Offer, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


def listing(slug: str, *, today: date, with_free: bool = False, with_retired: bool = False) -> Listing:
    """What the list has of the provider `slug` that can be called and billed by the token.

    Retired models and such as are listed at nothing, which is often a price that nobody entered, are left out unless
    wanted.
    """
    left_out: Counter[str] = Counter()
    offers = {}
    for upstream, entry in _entries(slug).items():
        reason = _reason_against(entry, today, with_free=with_free, with_retired=with_retired)
        if reason:
            left_out[reason] += 1
        else:
            offers[upstream] = _offer(slug, upstream, entry)
    return Listing(tuple(sorted(offers.values(), key=lambda offer: offer.name)), dict(left_out))


def doubt(slug: str, upstream: str, *, today: date) -> str:
    """Why the provider may not answer to its model id `upstream` any more; "" where the list has no doubt."""
    entry = _entries(slug).get(upstream)
    if entry is None:
        return "is not in the list"
    retired = _retired_on(entry)
    return f"was withdrawn on {retired}" if retired and retired <= today else ""


def providers() -> list[str]:
    """LiteLLM's names of the providers that the list has models of."""
    return sorted({str(entry.get("litellm_provider")) for key, entry in _whole().items() if key != "sample_spec"})


def _entries(slug: str) -> dict[str, Entry]:
    """By the provider's own model id; of several spellings of one, that with the provider's prefix."""
    prefix = f"{provider_for(slug).litellm_prefix}/"
    ours = [(key, entry) for key, entry in _whole().items() if f"{entry.get('litellm_provider')}/" == prefix]
    spelled = sorted(ours, key=lambda pair: pair[0].startswith(prefix))
    return {_upstream_id(slug, key.removeprefix(prefix)): entry for key, entry in spelled if not key.startswith("ft:")}


def _upstream_id(slug: str, name: str) -> str:
    """Fireworks is listed by short names too, which LiteLLM completes and their API doesn't know."""
    return f"accounts/fireworks/models/{name}" if slug == "fireworks" and "/" not in name else name


def _reason_against(entry: Entry, today: date, *, with_free: bool, with_retired: bool) -> str:
    if entry.get("mode") not in _PURPOSES:
        return "neither chat, embeddings nor reranking"
    rates = _rates(entry)
    if rates is None:
        return "no price by the token or search"
    if not with_free and not any(rates.values()):
        return "listed at no cost"
    if not with_retired and (retired := _retired_on(entry)) and retired <= today:
        return "retired by the provider"
    return ""


def _offer(slug: str, upstream: str, entry: Entry) -> Offer:
    rates = _rates(entry) or {}
    sizes = {"context_window": _size(entry, "max_input_tokens"), "max_output_tokens": _size(entry, "max_output_tokens")}
    return Offer(
        name=upstream if slug in _MAKERS else f"{slug}/{upstream}",
        provider=slug,
        upstream_model=upstream,
        purpose=_PURPOSES[entry["mode"]].value,
        rates=rates,
        model={
            "tier": _tier(rates).value,
            "use_case_tags": [tag for flag, tag in _TAGS.items() if entry.get(flag) is True],
            **{name: size for name, size in sizes.items() if size},
        },
        remarks=tuple(_remarks(entry, rates)),
    )


def _rates(entry: Entry) -> dict[str, Decimal] | None:
    """None where the price is by something else than tokens, or none is known."""
    rates = {rate: per_mtok for rate, name in _PER_MTOK.items() if (per_mtok := _per_mtok(entry.get(name))) is not None}
    if (search := entry.get("input_cost_per_query")) is not None and _is_number(search):
        rates["search_price"] = Decimal(search).quantize(_MILLIONTH, ROUND_CEILING)
        rates.setdefault("input_price", Decimal(0))
    if "input_price" not in rates or max(rates.values()) > _MOST_USD:
        return None
    return rates


def _remarks(entry: Entry, rates: Mapping[str, Decimal]) -> Iterator[str]:
    """Where a call may cost more than the rates, which know one price for every token of a kind."""
    for rate, base in _PER_MTOK.items():
        dearer = re.compile(rf"{base}_above_(\d+k)_tokens")
        for name, cost in entry.items():
            if (step := dearer.fullmatch(name)) and (per_mtok := _per_mtok(cost)) is not None:
                yield f"{rate.removesuffix('_price').replace('_', ' ')} {per_mtok:f} above {step[1]} tokens"
    reasoning = _per_mtok(entry.get("output_cost_per_reasoning_token"))
    if reasoning is not None and reasoning > rates.get("output_price", rates["input_price"]):
        yield f"reasoning {reasoning:f}"


def _tier(rates: Mapping[str, Decimal]) -> Tier:
    dearest = max(rates["input_price"], rates.get("output_price", Decimal(0)))
    return next((tier for most, tier in _TIERS if dearest <= most), Tier.ENTERPRISE)


def _per_mtok(cost: Any) -> Decimal | None:
    """Up to the millionth of a dollar above: never less than what the provider asks."""
    if not _is_number(cost):
        return None
    return (Decimal(cost) * 1_000_000).quantize(_MILLIONTH, ROUND_CEILING).normalize() + 0


def _is_number(cost: Any) -> bool:
    return isinstance(cost, Decimal | int) and not isinstance(cost, bool) and 0 <= cost < _MOST_USD


def _size(entry: Entry, name: str) -> int | None:
    size = entry.get(name)
    return size if isinstance(size, int) and 0 < size < 2**31 else None


def _retired_on(entry: Entry) -> date | None:
    try:
        return date.fromisoformat(str(entry.get("deprecation_date", "")))
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _whole() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    text = (Path(spec.origin).parent / _FILE).read_text(encoding="utf-8")
    read: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return read
