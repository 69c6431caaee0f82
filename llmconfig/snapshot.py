"""What can be called, read once and frozen: this app's part of the gateway's snapshot.

Disabled rows, unpriced provider-key deployments and unreadable secrets are left out; everything else goes on.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from llmconfig.models import ActiveProvider, Deployment, LLMModel
from llmconfig.models import Price as PriceRow
from llmconfig.upstreams import Upstream, Upstreams
from opscenter.core.tiers import Tier


@dataclass(frozen=True, slots=True)
class Price:
    """USD per 1M tokens (`search`: per search), empty rates resolved. `price_id` None: free because unpriced."""

    price_id: int | None
    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    output: Decimal
    search: Decimal

    @property
    def is_free(self) -> bool:
        return not (self.input or self.cached_input or self.cache_write or self.output or self.search)


FREE = Price(None, Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be called. `key` is stable: d:DEPLOYMENT, or s:SERVER:MODEL for an implicit one.

    `is_private_network`: its origin is the operator's and may be private.
    """

    key: str
    deployment_id: int | None
    model_name: str
    purpose: str
    tier: str
    provider: str
    provider_label: str
    server_type: str | None
    provider_id: int
    api_base: str
    api_key: str | None = field(repr=False)
    litellm_provider: str
    upstream_model: str
    transport: str
    max_tokens_param: str
    timeout_s: int
    priority: int
    weight: int
    context_window: int | None
    max_output_tokens: int | None
    quality_score: Decimal | None
    price: Price
    is_private_network: bool


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A public name; `targets` by priority, empty where none can be called now."""

    name: str
    purpose: str
    tier: str
    owner_id: int | None
    context_window: int | None
    max_output_tokens: int | None
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Active:
    """Who answers for a purpose when no model is named; empty tuples where nobody can."""

    primary: tuple[Target, ...]
    fallback: tuple[Target, ...]
    default_model: str
    fallback_model: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """`by_upstream`: the provider's own model id. `by_provider`: (provider slug or server name, either name)."""

    models: dict[str, CatalogModel]
    actives: dict[str, Active]
    by_upstream: dict[str, tuple[Target, ...]]
    by_provider: dict[tuple[str, str], tuple[Target, ...]]


def load() -> Catalog:
    """Read everything in seven queries. The caller provides the transaction that makes them consistent."""
    upstreams = Upstreams.load()
    rows = list(Deployment.objects.platform().select_related("model"))
    targets = _targets(rows, upstreams)
    actives = _actives(rows, targets, upstreams)
    implicit = [
        target
        for active in actives.values()
        for target in active.primary + active.fallback
        if target.deployment_id is None
    ]
    reachable = [*targets.values(), *dict.fromkeys(implicit)]
    return Catalog(
        models=_models(targets.values()),
        actives=actives,
        by_upstream=_grouped((target.upstream_model, target) for target in reachable),
        by_provider=_grouped(
            ((_provider_name(target), model), target)
            for target in reachable
            for model in {target.model_name, target.upstream_model}
        ),
    )


def _provider_name(target: Target) -> str:
    """What a caller writes before the slash of provider/model."""
    return target.provider_label if target.server_type else target.provider


def _models(targets: Iterable[Target]) -> dict[str, CatalogModel]:
    by_name = _grouped((target.model_name, target) for target in targets)
    return {
        model.name: CatalogModel(
            name=model.name,
            purpose=model.purpose,
            tier=model.tier,
            owner_id=model.owner_id,
            context_window=model.context_window,
            max_output_tokens=model.max_output_tokens,
            targets=by_name.get(model.name, ()),
        )
        for model in LLMModel.objects.platform().enabled()
    }


def _targets(rows: Iterable[Deployment], upstreams: Upstreams) -> dict[int, Target]:
    """By deployment id."""
    prices = {(row.model_id, row.deployment_id): _price(row) for row in PriceRow.objects.current()}
    found: dict[int, Target] = {}
    for row in rows:
        upstream = upstreams.of(server_id=row.server_id, key_id=row.key_id)
        if upstream is None or not (row.enabled and row.model.enabled and upstream.serves(row.model.purpose)):
            continue
        price = prices.get((row.model_id, row.pk)) or prices.get((row.model_id, None))
        if price is None and not upstream.is_free_unless_priced:
            continue
        found[row.pk] = _target(row, upstream, price or FREE)
    return found


def _target(row: Deployment, upstream: Upstream, price: Price) -> Target:
    implicit = _implicit(upstream, row.upstream_model, row.model.purpose)
    return replace(
        implicit,
        key=f"d:{row.pk}",
        deployment_id=row.pk,
        model_name=row.model.name,
        tier=row.model.tier,
        transport=upstream.transport(row.transport),
        max_tokens_param=row.max_tokens_param or upstream.max_tokens_param,
        timeout_s=row.timeout_s,
        priority=row.priority,
        weight=row.weight,
        context_window=row.model.context_window,
        max_output_tokens=row.model.max_output_tokens,
        quality_score=row.model.quality_score,
        price=price,
    )


def _implicit(upstream: Upstream, model: str, purpose: str) -> Target:
    """A model of an AI server that is called without being in the catalog: free, for every tier."""
    return Target(
        key=f"s:{upstream.id}:{model}",
        deployment_id=None,
        model_name=model,
        purpose=purpose,
        tier=Tier.FREE.value,
        provider=upstream.slug,
        provider_label=upstream.label,
        server_type=upstream.server_type,
        provider_id=upstream.id,
        api_base=upstream.api_base,
        api_key=upstream.api_key,
        litellm_provider=upstream.litellm_provider,
        upstream_model=model,
        transport=upstream.transport("auto"),
        max_tokens_param=upstream.max_tokens_param,
        timeout_s=600,
        priority=0,
        weight=1,
        context_window=None,
        max_output_tokens=None,
        quality_score=None,
        price=FREE,
        is_private_network=upstream.is_private_network,
    )


def _price(row: PriceRow) -> Price:
    base = row.input_price if row.input_price is not None else Decimal(0)

    def resolved(rate: Decimal | None) -> Decimal:
        return base if rate is None else rate

    return Price(
        price_id=row.pk,
        input=base,
        cached_input=resolved(row.cached_input_price),
        cache_write=resolved(row.cache_write_price),
        output=resolved(row.output_price),
        search=row.search_price or Decimal(0),
    )


def _actives(rows: list[Deployment], targets: dict[int, Target], upstreams: Upstreams) -> dict[str, Active]:
    found: dict[str, Active] = {}
    for active in ActiveProvider.objects.complete():
        meant: dict[str, tuple[Target, ...]] = {"primary": (), "fallback": ()}
        named = {"primary": "", "fallback": ""}
        for slot, provider, model in active.pointers():
            upstream = upstreams.of_provider(provider)
            named[slot] = model
            meant[slot] = _pointed_at(upstream, model, active.purpose, rows, targets) if upstream else ()
        found[active.purpose] = Active(
            meant["primary"], meant["fallback"], named["primary"], named["fallback"]
        )
    return found


def _pointed_at(
    upstream: Upstream, model: str, purpose: str, rows: list[Deployment], targets: dict[int, Target]
) -> tuple[Target, ...]:
    """The deployments that `model` means there. A server's model in no deployment is called all the same; one whose
    deployments are disabled is not, lest disabling it made it free."""
    if not model or not upstream.serves(purpose):
        return ()
    deployed = [
        row
        for row in rows
        if upstream.holds(row)
        and row.model.purpose == purpose
        and model in (row.model.name, row.upstream_model)
    ]
    if not deployed and upstream.is_free_unless_priced:
        return (_implicit(upstream, model, purpose),)
    return _by_priority(targets[row.pk] for row in deployed if row.pk in targets)


Key = TypeVar("Key")


def _grouped(pairs: Iterable[tuple[Key, Target]]) -> dict[Key, tuple[Target, ...]]:
    groups: dict[Key, list[Target]] = defaultdict(list)
    for key, target in pairs:
        groups[key].append(target)
    return {key: _by_priority(group) for key, group in groups.items()}


def _by_priority(targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(sorted(targets, key=lambda target: (target.priority, target.deployment_id or 0)))
