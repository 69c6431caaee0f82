"""Amounts of credits that people set: decimals in Python and in forms, nanocredits in the database."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from credits import amounts
from credits.errors import AmountInvalid

if TYPE_CHECKING:
    Field = models.Field[Decimal | None, Decimal | None]
else:
    Field = models.Field


class CreditsField(Field):
    """Exact on every database: a BIGINT column, where SQLite would round a decimal's nanocredits."""

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: int | None, *_: object) -> Decimal | None:
        return None if value is None else Decimal(amounts.to_text(value))

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            return Decimal(amounts.to_text(amounts.to_nano(value)))
        except AmountInvalid as error:
            raise ValidationError(error.message, code="invalid") from error

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return amounts.to_nano(value) if isinstance(value, str | int | Decimal) else value

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        decimal: Any = {"form_class": forms.DecimalField, "max_digits": 19, "decimal_places": 9}
        return super().formfield(*args, **(decimal | kwargs))
