"""The price as fields of a model's or a deployment's form; saving another one appends a version."""

from decimal import Decimal
from typing import Any

from django import forms

from llmconfig.models import Price
from llmconfig.models.price import RATES
from opscenter.core.admin_base import AuditedForm
from opscenter.core.admin_base.unfolded import TextInput

RATE_HELP = {
    "input_price": "USD per 1M input tokens; 0 is free. Empty: no price, and a provider key's model can't be called.",
    "cached_input_price": "USD per 1M cached input tokens. Empty: the input price.",
    "cache_write_price": "USD per 1M tokens written to the cache. Empty: the input price.",
    "output_price": "USD per 1M output tokens. Empty: the input price.",
    "search_price": "USD per search, for rerankers.",
}


def rate_field(name: str, *, required: bool = False) -> forms.DecimalField:
    return forms.DecimalField(
        label=name.replace("_", " ").capitalize(),
        required=required,
        min_value=Decimal(0),
        max_digits=15,
        decimal_places=6,
        widget=TextInput(attrs={"inputmode": "decimal"}),
        help_text=RATE_HELP[name],
    )


class RatesForm(AuditedForm):
    input_price = rate_field("input_price")
    cached_input_price = rate_field("cached_input_price")
    cache_write_price = rate_field("cache_write_price")
    output_price = rate_field("output_price")
    search_price = rate_field("search_price")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price = self.current_price() if self.instance.pk else None
        for name in RATES:
            self.initial.setdefault(name, plain(getattr(price, name, None)))

    def current_price(self) -> Price | None:
        """The stored price that the form starts from."""
        raise NotImplementedError


def plain(rate: Decimal | None) -> str:
    """A rate without trailing zeros."""
    return "" if rate is None else format(rate.normalize(), "f")
