"""Fields that several resources share."""

from decimal import Decimal
from typing import Any

from django.db import models
from rest_framework import serializers

from llmconfig.services.pointers import PROVIDER_TYPES
from opscenter.core import secrets

MAX_ID = 2**63 - 1


class PriceField(serializers.DecimalField):
    """USD, exact to a millionth, as a string with two places at least: "2.00", "0.075"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=15, decimal_places=6, min_value=Decimal(0), allow_null=True, **options)

    def to_representation(self, value: Any) -> str:
        whole, _, places = format(value, "f").partition(".")
        return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


class SecretField(serializers.CharField):
    """A secret: written, never read."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("validators", [secrets.validate_sendable])
        super().__init__(write_only=True, max_length=4000, trim_whitespace=True, **options)


class CheckIntervalField(serializers.IntegerField):
    """Seconds between two health checks: null means what the installation has, 0 never."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=7 * 86400, allow_null=True, default=None, **options)


class ProviderTypeField(serializers.ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(choices=PROVIDER_TYPES, **options)


class ProviderIdField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **options)


class ModelChoiceField(serializers.ChoiceField):
    """One of the choices of a TextChoices, described by their labels."""

    def __init__(self, choices: type[models.TextChoices], **options: Any) -> None:
        super().__init__(choices=choices.choices, **options)
