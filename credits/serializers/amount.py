"""Amounts of credits, as JSON has them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits import amounts
from credits.errors import AmountInvalid


@extend_schema_field(OpenApiTypes.STR)
class AmountField(serializers.Field[int, Any, str, int]):
    """Nanocredits inside, a decimal string of credits outside. A whole number may come as one; a float is not exact."""

    def to_representation(self, value: int) -> str:
        return amounts.to_text(value)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise serializers.ValidationError('Give credits as a decimal string, such as "1000" or "0.5".')
        try:
            return amounts.to_nano(data)
        except AmountInvalid as error:
            raise serializers.ValidationError(error.message) from error
