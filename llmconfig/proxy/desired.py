"""What a LiteLLM proxy should serve: every deployment that the gateway itself could call, as the proxy's models.

Each carries a fingerprint, keyed and with its API key in it, by which the proxy's own answer tells what it has loaded.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.utils.crypto import salted_hmac

from llmconfig import snapshot
from llmconfig.conversions import litellm_params
from llmconfig.conversions.litellm import NO_KEY
from llmconfig.models import LLMModel, Purpose
from llmconfig.snapshot import Catalog
from llmconfig.target import Target

PREFIX = "opscenter-"
"""Begins the ids and names of all that is ours on a proxy; the rest is left alone."""
FINGERPRINT = "opscenter_fingerprint"

_OF_THE_ENVIRONMENT = "os.environ/"
"""A proxy puts the variable's value in the place of every text that begins so, be it a model's name."""

_MODES = {Purpose.CHAT.value: "chat", Purpose.EMBEDDINGS.value: "embedding", Purpose.RERANKING.value: "rerank"}
_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key. `variable` is what it is called in the proxy's environment, `name` among its credentials."""

    name: str
    variable: str
    provider: str
    value: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.provider, self.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the proxy's models, without its key. `params` are LiteLLM's for the call, `info` says what it is."""

    id: str
    model_name: str
    params: Mapping[str, Any]
    info: Mapping[str, Any]
    credential: Credential | None

    @property
    def fingerprint(self) -> str:
        key = self.credential.fingerprint if self.credential else ""
        return fingerprint(self.model_name, dict(self.params), dict(self.info), key)

    @property
    def marked_info(self) -> dict[str, Any]:
        return {"id": self.id, **self.info, FINGERPRINT: self.fingerprint}


@dataclass(frozen=True, slots=True)
class Desired:
    """`fallbacks`: public names by the name that they stand in for. `left_out`: what can't be told, and why."""

    entries: tuple[Entry, ...]
    fallbacks: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def credentials(self) -> dict[str, Credential]:
        """Those in use, by name."""
        return {entry.credential.name: entry.credential for entry in self.entries if entry.credential}


def fingerprint(*parts: Any) -> str:
    """Tells two configurations apart and says nothing of the keys in them."""
    text = json.dumps(parts, sort_keys=True)
    return salted_hmac("llmconfig.proxy", text, algorithm="sha256").hexdigest()[:32]


def load() -> Desired:
    """Read in eight queries."""
    catalog = snapshot.load()
    described = {model.name: model for model in LLMModel.objects.platform().enabled()}
    found = [_entry(target, described.get(target.model_name)) for target in _targets(catalog)]
    reasons = {entry.id: reason for entry in found if (reason := _reason_against(entry))}
    entries = tuple(entry for entry in found if entry.id not in reasons)
    return Desired(
        entries=entries,
        fallbacks=_fallbacks(catalog, {entry.model_name for entry in entries}),
        left_out=tuple(sorted(set(reasons.values()))),
    )


def _reason_against(entry: Entry) -> str:
    """Why the proxy must not be told of it; "" where it may."""
    key = entry.credential.value if entry.credential else ""
    if key and not key.isprintable():
        return f"{entry.info['opscenter_provider']}: its API key holds a control character."
    if key.startswith(_OF_THE_ENVIRONMENT):
        return f"{entry.info['opscenter_provider']}: its API key would be taken for a variable of the proxy's."
    texts = (entry.model_name, *entry.params.values(), *entry.info.values())
    if any(isinstance(text, str) and text.startswith(_OF_THE_ENVIRONMENT) for text in texts):
        return f"{entry.model_name}: a name in it would be taken for a variable of the proxy's."
    return ""


def _targets(catalog: Catalog) -> Iterator[Target]:
    """Those of the catalog, then what is active beside it."""
    for model in catalog.models.values():
        yield from model.targets
    actives = (target for active in catalog.actives.values() for target in active.primary + active.fallback)
    yield from dict.fromkeys(target for target in actives if target.deployment_id is None)


def _entry(target: Target, model: LLMModel | None) -> Entry:
    return Entry(
        id=_id(target),
        model_name=_public_name(target),
        params=_without_nothing(_params(target)),
        info=_without_nothing(_costs(target) | _description(target, model)),
        credential=_credential(target),
    )


def _id(target: Target) -> str:
    if target.deployment_id is not None:
        return f"{PREFIX}d{target.deployment_id}"
    called = sha256(f"{target.purpose}:{target.key}".encode()).hexdigest()
    return f"{PREFIX}s{target.provider_id}-{called[:12]}"


def _public_name(target: Target) -> str:
    """What is in no catalog is called as the gateway's callers do it: provider/model."""
    if target.deployment_id is None:
        return f"{target.provider_label}/{target.upstream_model}"
    return target.model_name


def _credential(target: Target) -> Credential | None:
    if target.api_key is None:
        return None
    kind = "server" if target.server_type else "key"
    return Credential(
        name=f"{PREFIX}{kind}-{target.provider_id}",
        variable=f"OPSCENTER_{kind.upper()}_{target.provider_id}",
        provider=target.litellm_provider,
        value=target.api_key,
    )


def _params(target: Target) -> dict[str, Any]:
    """A proxy prefers the lowest `order`, which counts from 1."""
    called = asdict(litellm_params(target))
    key = called.pop("api_key")
    return called | {
        "api_key": NO_KEY if key == NO_KEY else None,
        "timeout": target.timeout_s,
        "order": target.priority + 1,
        "weight": target.weight,
        "rpm": target.limits.rpm,
        "tpm": target.limits.tpm,
        "max_parallel_requests": target.limits.concurrency,
    }


def _costs(target: Target) -> dict[str, Any]:
    """USD per token; zero is said too, lest the proxy's own list is asked."""
    price = target.price
    per_token = {
        "input_cost_per_token": price.input,
        "cache_read_input_token_cost": price.cached_input,
        "cache_creation_input_token_cost": price.cache_write,
        "output_cost_per_token": price.output,
    }
    return {name: _float(usd / _TOKENS_PER_PRICE) for name, usd in per_token.items()} | {
        "input_cost_per_query": _float(price.search) if price.search else None
    }


def _description(target: Target, model: LLMModel | None) -> dict[str, Any]:
    return {
        "mode": _MODES[target.purpose],
        "max_input_tokens": target.context_window,
        "max_output_tokens": target.max_output_tokens,
        "tags": list(model.use_case_tags) if model else [],
        "latency": model.latency_class if model else None,
        "privacy": model.privacy if model else LLMModel.Privacy.HIGH.value,
        "quality": _float(target.quality_score) if target.quality_score is not None else None,
        "opscenter_tier": target.tier,
        "opscenter_provider": target.provider_label,
    }


def _fallbacks(catalog: Catalog, told: set[str]) -> dict[str, tuple[str, ...]]:
    """Among the names that the proxy is told of."""
    found: dict[str, tuple[str, ...]] = {}
    for active in catalog.actives.values():
        first = tuple(dict.fromkeys(name for name in map(_public_name, active.primary) if name in told))
        then = tuple(dict.fromkeys(name for name in map(_public_name, active.fallback) if name in told))
        found |= {name: others for name in first if (others := tuple(other for other in then if other != name))}
    return found


def _float(number: Decimal) -> float:
    return float(number)


def _without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
