"""Models, their deployments and prices: each call writes all that belongs together in one transaction."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from llmconfig.models import Deployment, LLMModel
from llmconfig.models.price import RATES
from llmconfig.services.active import keeping_answers
from llmconfig.services.pointers import AI_SERVER, columns, find_provider, type_of
from llmconfig.services.prices import set_price
from llmconfig.services.rows import locked, store
from opscenter.core import audit, changes
from opscenter.core.errors import Unprocessable

Values = Mapping[str, Any]
"""Fields of a model or deployment, with rates (`input_price`, ...), `provider_type` and `provider_id`."""


def create_model(*, values: Values, deployments: Iterable[Values] = ()) -> LLMModel:
    """Raises ValidationError, Unprocessable. Privacy is high by default for a model on AI servers alone."""
    wanted = list(deployments)
    fields = _without_rates(values)
    if wanted and "privacy" not in fields and all(one["provider_type"] == AI_SERVER for one in wanted):
        fields["privacy"] = LLMModel.Privacy.HIGH
    with transaction.atomic():
        model = store(LLMModel(), fields)
        set_price(model=model, rates=_rates(values))
        _set_deployments(model, wanted)
    return model


def update_model(*, model: LLMModel, values: Values, deployments: Iterable[Values] | None = None) -> LLMModel:
    """What is left out stays. `deployments` replaces them all; provider and upstream id say which go on.

    Raises InUse where an active provider would lose the model that it points to.
    """
    if "owner" in values and values["owner"] != model.owner:
        raise Unprocessable("A model stays with its owner: make another one there.", param="owner")
    with audit.writing(), keeping_answers(f'The model "{model.name}"'):
        model = store(model, _without_rates(values))
        set_price(model=model, rates=_rates(values))
        if deployments is not None:
            _set_deployments(model, list(deployments))
    return model


def delete_model(*, model: LLMModel) -> None:
    """Delete it with its deployments; its prices stay. Raises InUse."""
    with audit.writing(), keeping_answers(f'The model "{model.name}"'):
        model = locked(model)
        for deployment in model.deployments.all():
            changes.delete(deployment)
        changes.delete(model)


def create_deployment(*, model: LLMModel, values: Values) -> Deployment:
    """Raises ValidationError, Unprocessable."""
    return _store_deployment(Deployment(model=model), values)


def update_deployment(*, deployment: Deployment, values: Values) -> Deployment:
    """What is left out stays. Raises InUse, ValidationError, Unprocessable."""
    if "model" in values and values["model"].pk != deployment.model_id:
        raise Unprocessable("A deployment stays with its model: make another one there.", param="model")
    with audit.writing(), keeping_answers(f"The deployment of {deployment.model}"):
        return _store_deployment(deployment, values)


def delete_deployment(*, deployment: Deployment) -> None:
    """Raises InUse."""
    with audit.writing(), keeping_answers(f"The deployment of {deployment.model}"):
        changes.delete(locked(deployment))


def _set_deployments(model: LLMModel, wanted: list[Values]) -> None:
    existing = {_identity(row): row for row in model.deployments.select_related("server", "key")}
    named = [_wanted_identity(values) for values in wanted]
    if len(set(named)) < len(named):
        raise Unprocessable("The same deployment is given twice.", param="deployments")
    for identity, row in existing.items():
        if identity not in named:
            changes.delete(row)
    for identity, values in zip(named, wanted, strict=True):
        _store_deployment(existing.get(identity) or Deployment(model=model), values)


def _identity(row: Deployment) -> tuple[str, int, str]:
    return type_of(row.provider), row.provider.pk, row.upstream_model


def _wanted_identity(values: Values) -> tuple[str, int, str]:
    return values["provider_type"], values["provider_id"], values["upstream_model"]


def _store_deployment(row: Deployment, values: Values) -> Deployment:
    fields = _without_rates(values)
    fields.pop("model", None)
    provider_type, provider_id = fields.pop("provider_type", None), fields.pop("provider_id", None)
    with transaction.atomic():
        if provider_type is not None and provider_id is not None:
            provider = find_provider(provider_type, provider_id, owner_id=row.model.owner_id)
            fields.update(columns(provider))
        elif provider_type is not None or provider_id is not None:
            raise Unprocessable("provider_type and provider_id go together.", param="provider_id")
        stored = store(row, fields)
        set_price(model=stored.model, deployment=stored, rates=_rates(values))
    return stored


def _rates(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in RATES}


def _without_rates(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in RATES}
