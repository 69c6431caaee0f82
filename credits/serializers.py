"""What the API says about credits. Amounts are decimal strings of credits."""

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits import amounts
from credits.models import Account


@extend_schema_field(OpenApiTypes.STR)
class AmountField(serializers.Field[int, str, str, int]):
    """Nanocredits inside, a decimal string of credits outside."""

    def to_representation(self, value: int) -> str:
        return amounts.to_text(value)

    def to_internal_value(self, data: str) -> int:
        return amounts.to_nano(data)


class CreditsOutput(serializers.Serializer[Account]):
    balance = AmountField(source="posted", read_only=True)
    held = AmountField(read_only=True)
    available = AmountField(read_only=True)
    tier = serializers.CharField(read_only=True)
    status = serializers.CharField(read_only=True)
    unit = serializers.SerializerMethodField()

    def get_unit(self, account: Account) -> dict[str, str]:
        return {"name": "credit", "per_usd": settings.CREDITS_PER_USD, "smallest": amounts.to_text(1)}
