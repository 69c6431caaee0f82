"""What can be called, read once and frozen: this app's part of the gateway's snapshot.

Disabled rows, unpriced provider-key deployments and unreadable secrets are left out; everything else goes on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from llmconfig import own_keys
from llmconfig.models import ActiveProvider, Deployment, LLMModel
from llmconfig.models import Price as PriceRow
from llmconfig.own_keys import OwnKeys
from llmconfig.target import FREE, Price, Target, implicit, price_of, target_of
from llmconfig.upstreams import Upstream, Upstreams

__all__ = ["FREE", "Active", "Catalog", "CatalogModel", "Price", "Target", "load"]


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
    """`by_upstream`: by the provider's own id. `by_provider`: (provider slug or server name, either id).
    `by_purpose`: all deployments.

    All of them are the platform's. `personal`: by owner and name, for that one alone. `own_keys`: consumers'. `down`:
    keys of the targets that health checks find unhealthy.
    """

    models: dict[str, CatalogModel]
    actives: dict[str, Active]
    by_upstream: dict[str, tuple[Target, ...]]
    by_provider: dict[tuple[str, str], tuple[Target, ...]]
    personal: dict[tuple[int, str], CatalogModel] = field(default_factory=dict)
    by_purpose: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    own_keys: OwnKeys = field(default_factory=OwnKeys)
    down: frozenset[str] = frozenset()

    def secrets(self) -> set[str]:
        """Every key that a call may carry, to be kept out of logs."""
        groups = [*self.by_provider.values(), *(model.targets for model in self.personal.values())]
        return {target.api_key for group in groups for target in group if target.api_key} | set(self.own_keys.secrets())


def load() -> Catalog:
    """Read everything in seven queries, and one more where consumers have keys.

    The caller provides the transaction that makes them consistent.
    """
    upstreams = Upstreams.load()
    every = list(Deployment.objects.callable().select_related("model"))
    rows = [row for row in every if row.model.owner_id is None]
    targets = _targets(rows, upstreams)
    personal = _targets((row for row in every if row.model.owner_id is not None), upstreams)
    actives = _actives(rows, targets, upstreams)
    implicit = [
        target
        for active in actives.values()
        for target in active.primary + active.fallback
        if target.deployment_id is None
    ]
    reachable = [*targets.values(), *dict.fromkeys(implicit)]
    models = list(LLMModel.objects.enabled())
    return Catalog(
        models={row.name: model for row, model in _models(models, targets.values()) if row.owner_id is None},
        personal={
            (row.owner_id, row.name): model
            for row, model in _models(models, personal.values())
            if row.owner_id is not None
        },
        own_keys=own_keys.load(rows, upstreams),
        actives=actives,
        by_upstream=_grouped((target.upstream_model, target) for target in reachable),
        by_provider=_grouped(
            ((_provider_name(target), model), target)
            for target in reachable
            for model in {target.model_name, target.upstream_model}
        ),
        by_purpose=_grouped((target.purpose, target) for target in targets.values()),
        down=frozenset(target.key for target in (*reachable, *personal.values()) if target.is_down),
    )


def _provider_name(target: Target) -> str:
    """What a caller writes before the slash of provider/model."""
    return target.provider_label if target.server_type else target.provider


def _models(rows: Iterable[LLMModel], targets: Iterable[Target]) -> Iterator[tuple[LLMModel, CatalogModel]]:
    by_name = _grouped(((target.owner_id, target.model_name), target) for target in targets)
    for model in rows:
        yield (
            model,
            CatalogModel(
                name=model.name,
                purpose=model.purpose,
                tier=model.tier,
                owner_id=model.owner_id,
                context_window=model.context_window,
                max_output_tokens=model.max_output_tokens,
                targets=by_name.get((model.owner_id, model.name), ()),
            ),
        )


def _targets(rows: Iterable[Deployment], upstreams: Upstreams) -> dict[int, Target]:
    """By deployment id."""
    prices = {(row.model_id, row.deployment_id): price_of(row) for row in PriceRow.objects.current()}
    found: dict[int, Target] = {}
    for row in rows:
        upstream = upstreams.of(server_id=row.server_id, key_id=row.key_id)
        if upstream is None or not (row.enabled and row.model.enabled and upstream.serves(row.model.purpose)):
            continue
        price = prices.get((row.model_id, row.pk)) or prices.get((row.model_id, None))
        if price is None and not upstream.is_free_unless_priced and row.model.owner_id is None:
            continue
        found[row.pk] = target_of(row, upstream, price or FREE)
    return found


def _actives(rows: list[Deployment], targets: dict[int, Target], upstreams: Upstreams) -> dict[str, Active]:
    found: dict[str, Active] = {}
    for active in ActiveProvider.objects.complete():
        meant: dict[str, tuple[Target, ...]] = {"primary": (), "fallback": ()}
        named = {"primary": "", "fallback": ""}
        for slot, provider, model in active.pointers():
            upstream = upstreams.of_provider(provider)
            named[slot] = model
            meant[slot] = _pointed_at(upstream, model, active.purpose, rows, targets) if upstream else ()
        found[active.purpose] = Active(meant["primary"], meant["fallback"], named["primary"], named["fallback"])
    return found


def _pointed_at(
    upstream: Upstream, model: str, purpose: str, rows: list[Deployment], targets: dict[int, Target]
) -> tuple[Target, ...]:
    """The deployments that `model` means there. A server's model in no deployment is called all the same; one
    whose deployments are disabled is not, lest disabling it made it free."""
    if not model or not upstream.serves(purpose):
        return ()
    deployed = [
        row
        for row in rows
        if upstream.holds(row) and row.model.purpose == purpose and model in (row.model.name, row.upstream_model)
    ]
    if not deployed and upstream.is_free_unless_priced:
        return (implicit(upstream, model, purpose),)
    return _by_priority(targets[row.pk] for row in deployed if row.pk in targets)


Key = TypeVar("Key")


def _grouped(pairs: Iterable[tuple[Key, Target]]) -> dict[Key, tuple[Target, ...]]:
    groups: dict[Key, list[Target]] = defaultdict(list)
    for key, target in pairs:
        groups[key].append(target)
    return {key: _by_priority(group) for key, group in groups.items()}


def _by_priority(targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(sorted(targets, key=lambda target: (target.priority, target.deployment_id or 0)))
