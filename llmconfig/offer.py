"""What a provider offers under a name: a model of the catalog before it is one. Plain frozen values, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Offer:
    """`provider` is a provider's slug, or the type of an AI server. `rates` are USD per 1M tokens.

    `model` has further fields of the model, `deployment` of its deployment. `remarks` say what an operator should know
    about the price before it is theirs.
    """

    name: str
    provider: str
    upstream_model: str
    purpose: str
    rates: Mapping[str, Decimal]
    model: Mapping[str, Any] = field(default_factory=dict)
    deployment: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
