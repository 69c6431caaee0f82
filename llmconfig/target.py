"""One thing that the gateway can call, with its price: plain frozen values, no rows."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from llmconfig.models import Deployment, LLMModel
from llmconfig.models import Price as PriceRow
from llmconfig.upstreams import Upstream
from opscenter.core.limits import NO_LIMITS, Limits
from opscenter.core.tiers import Tier


@dataclass(frozen=True, slots=True)
class Price:
    """USD per 1M tokens (`search`: per search), empty rates resolved. `price_id` None: unpriced, so free."""

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

    `is_private_network`: its origin is the operator's and may be private. `is_down`: health checks find it unhealthy.
    `owner_id`: the consumer whose own key this is, for whom alone it answers, at no cost.
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
    is_down: bool
    limits: Limits
    owner_id: int | None = None
    privacy: str = LLMModel.Privacy.HIGH.value
    latency_class: str = LLMModel.LatencyClass.MEDIUM.value
    strategy: str = LLMModel.Strategy.WEIGHTED.value


def target_of(row: Deployment, upstream: Upstream, price: Price) -> Target:
    owner_id = row.model.owner_id
    return replace(
        implicit(upstream, row.upstream_model, row.model.purpose),
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
        price=price if owner_id is None else FREE,
        limits=row.limits,
        owner_id=owner_id,
        privacy=row.effective_privacy,
        latency_class=row.model.latency_class,
        strategy=row.model.strategy,
    )


def implicit(upstream: Upstream, model: str, purpose: str) -> Target:
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
        is_down=upstream.is_down,
        limits=NO_LIMITS,
    )


def price_of(row: PriceRow) -> Price:
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
