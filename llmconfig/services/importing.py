"""Bringing offers into the catalog: first what would change, then, where it is wanted, the change.

What is in the catalog already is found by provider and upstream id, under whatever name. Importing twice changes
nothing the second time, and an import that was broken off goes on where it stopped. Prices are new versions: what a
call in flight is held at stays its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from llmconfig.models import AIServer, Deployment, LLMModel, Price, ProviderKey
from llmconfig.models.price import RATES
from llmconfig.offer import Offer
from llmconfig.services import catalog
from llmconfig.services.pointers import type_of
from opscenter.core import audit

Place = AIServer | ProviderKey
Rates = Mapping[str, Decimal | None]

_FILLED = ("context_window", "max_output_tokens")
# More would keep other writers waiting on SQLite; fewer would have every worker read the catalog anew more often.
_BATCH = 25


@dataclass(frozen=True, slots=True)
class Step:
    """One change: a new model, a deployment of one that there is, or another price or size.

    `rates` and `fields` are what is written, `before` is what stands there now. `is_own_price`: the rates are the
    deployment's alone.
    """

    offer: Offer
    model: LLMModel | None = None
    deployment: Deployment | None = None
    rates: Rates = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    is_own_price: bool = False

    @property
    def is_new_model(self) -> bool:
        return self.model is None

    @property
    def is_new_deployment(self) -> bool:
        return self.model is not None and self.deployment is None

    def differences(self) -> list[tuple[str, Any, Any]]:
        """(field, before, after) of what this changes in what there is."""
        after = {**self.rates, **self.fields}
        return [(name, self.before.get(name), value) for name, value in after.items() if self.before.get(name) != value]


@dataclass(frozen=True, slots=True)
class Plan:
    """`taken`: names of the catalog that mean something for another purpose, so that their offers are passed over."""

    place: Place
    steps: tuple[Step, ...]
    unchanged: int
    taken: tuple[str, ...]

    def additions(self) -> "Plan":
        """Without what it would change in what there is."""
        kept = tuple(step for step in self.steps if step.deployment is None)
        return replace(self, steps=kept, unchanged=self.unchanged + len(self.steps) - len(kept))


def plan(offers: Iterable[Offer], *, onto: Place, known_on: Sequence[Place] = ()) -> Plan:
    """What it takes to have `offers` in the catalog; writes nothing. New deployments come `onto` one place.

    One that is there already, on that place or on one of `known_on`, keeps where it is and everything but its price,
    and the sizes that nobody entered.
    """
    places = {(type_of(place), place.pk) for place in (onto, *known_on)}
    deployed: dict[str, list[Deployment]] = {}
    for row in Deployment.objects.platform().complete().prefetch_related("model__deployments__key"):
        if (type_of(row.provider), row.provider.pk) in places:
            deployed.setdefault(row.upstream_model, []).append(row)
    wanted = list(offers)
    named = {row.name: row for row in LLMModel.objects.platform().complete()}
    steps: list[Step] = []
    unchanged, taken = 0, []
    for offer in wanted:
        found = named.get(offer.name)
        if rows := deployed.get(offer.upstream_model):
            changes = list(_changes(offer, rows))
            unchanged += not changes
            steps.extend(changes)
        elif found is not None and found.purpose != offer.purpose:
            taken.append(offer.name)
        else:
            steps.append(_addition(offer, found))
    return Plan(onto, tuple(steps), unchanged, tuple(taken))


def apply(plan: Plan) -> None:
    """Write every step, some at a time. Raises what services.catalog does; the steps before stay."""
    for first in range(0, len(plan.steps), _BATCH):
        with audit.writing():
            for step in plan.steps[first : first + _BATCH]:
                _write(step, plan.place)


def _write(step: Step, place: Place) -> None:
    offer = step.offer
    if step.model is None or step.deployment is None:
        where = {
            "provider_type": type_of(place),
            "provider_id": place.pk,
            "upstream_model": offer.upstream_model,
            **offer.deployment,
        }
        if step.model is not None:
            catalog.create_deployment(model=step.model, values=where | dict(step.rates))
            return
        values = {"name": offer.name, "purpose": offer.purpose, **offer.model, **offer.rates}
        catalog.create_model(values=values, deployments=[where])
    elif step.is_own_price:
        catalog.update_deployment(deployment=step.deployment, values=dict(step.rates))
        if step.fields:
            catalog.update_model(model=step.model, values=step.fields)
    else:
        catalog.update_model(model=step.model, values={**step.rates, **step.fields})


def _addition(offer: Offer, model: LLMModel | None) -> Step:
    if model is None:
        return Step(offer)
    rates = _full(offer)
    return Step(offer, model=model, rates={} if rates == _rates_of(model.price) else rates)


def _changes(offer: Offer, rows: Iterable[Deployment]) -> Iterator[Step]:
    """A model's price is written once, however many of its deployments are meant."""
    done: set[int] = set()
    for row in rows:
        is_own_price = row.own_price is not None or _is_elsewhere_too(row)
        if not is_own_price and row.model_id in done:
            continue
        done.add(row.model_id)
        price = row.own_price if is_own_price else row.model.price
        before = _rates_of(price) | {name: getattr(row.model, name) for name in _FILLED}
        rates = {} if _full(offer) == _rates_of(price or row.model.price) else _full(offer)
        fields = {name: offer.model[name] for name in _FILLED if before[name] is None and offer.model.get(name)}
        if rates or fields:
            yield Step(offer, row.model, row, rates, fields, before, is_own_price)


def _is_elsewhere_too(row: Deployment) -> bool:
    """Whether the model's price is also that of another provider, who may ask for something else."""
    theirs = {_provider_of(other) for other in row.model.deployments.all()}
    return len(theirs) > 1


def _provider_of(row: Deployment) -> str:
    return row.key.provider if row.key else f"server {row.server_id}"


def _full(offer: Offer) -> dict[str, Decimal | None]:
    return {name: offer.rates.get(name) for name in RATES}


def _rates_of(price: Price | None) -> dict[str, Decimal | None]:
    return {name: getattr(price, name, None) for name in RATES}
