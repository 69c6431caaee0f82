"""The only writer of prices: a change appends a version, what is there already appends nothing."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from llmconfig.models import Deployment, LLMModel, Price
from llmconfig.models.price import RATES
from llmconfig.services.rows import locked, save
from opscenter.core.audit import current_actor
from opscenter.core.errors import Unprocessable

Rates = Mapping[str, Decimal | None]


def set_price(*, model: LLMModel, rates: Rates, deployment: Deployment | None = None) -> Price | None:
    """Price `model`, or one deployment of it alone; returns the current version, None without a price.

    Rates left out stay as they are. An input price of None withdraws the price. Locks the model's row.
    """
    with transaction.atomic():
        locked(model)
        latest = _latest(model, deployment)
        wanted = _merged(latest, rates)
        if _rates_of(latest) != wanted:
            latest = Price(
                model=model,
                deployment=deployment,
                number=latest.number + 1 if latest else 1,
                created_by_id=current_actor().user_id,
                **wanted,
            )
            save(latest)
    return latest if latest and latest.input_price is not None else None


def _latest(model: LLMModel, deployment: Deployment | None) -> Price | None:
    versions = Price.objects.of(model_id=model.pk, deployment_id=deployment.pk if deployment else None)
    return versions.order_by("-number").first()


def _rates_of(price: Price | None) -> dict[str, Decimal | None]:
    return {name: getattr(price, name, None) for name in RATES}


def _merged(latest: Price | None, rates: Rates) -> dict[str, Decimal | None]:
    merged = {**_rates_of(latest), **{name: rates[name] for name in RATES if name in rates}}
    if merged["input_price"] is not None:
        return merged
    if any(rates.get(name) is not None for name in RATES):
        raise Unprocessable("A price needs an input price; 0 is one.", param="input_price")
    return dict.fromkeys(RATES)
