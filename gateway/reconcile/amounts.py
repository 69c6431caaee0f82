"""What one side counted of a model on a day."""

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

Key = tuple[date, str]
"""Day and the provider's name of the model."""


@dataclass(slots=True)
class Counted:
    """`input_tokens` with the cached ones. None where a side doesn't say."""

    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None
    requests: Decimal | None = None
    cost_usd: Decimal | None = None

    def add(self, other: "Counted") -> None:
        for name in MEASURES:
            more = getattr(other, name)
            if more is not None:
                setattr(self, name, (getattr(self, name) or 0) + more)


MEASURES = tuple(field.name for field in fields(Counted))
