"""Tiers and power levels: the rates of the pricing formula. Seeded once, then the operators'."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from opscenter.core import tiers
from opscenter.core.models import Limited, limits_are_usable


def validate_providers(value: object) -> None:
    """A list of provider names."""
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValidationError("Give a list of provider names.")


class Tier(Limited):
    """`markup` is what consumers of this tier pay above cost: 0.4 is 40 %. Its limits are those of each of them."""

    slug = models.CharField(max_length=16, choices=tiers.Tier.choices, unique=True)
    markup = models.DecimalField(max_digits=8, decimal_places=4)
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_tiers"
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(condition=Q(slug__in=tiers.Tier.values), name="tier_slug_is_known"),
            models.CheckConstraint(condition=Q(markup__gte=0), name="tier_sells_at_cost_or_above"),
            limits_are_usable(name="tier_limits_are_usable"),
        )

    def __str__(self) -> str:
        return self.slug


class PowerLevel(models.Model):
    """`multiplier` applies to the providers named here alone; a strict level refuses all others."""

    slug = models.SlugField(max_length=16, unique=True)
    multiplier = models.DecimalField(max_digits=8, decimal_places=4)
    max_output_tokens = models.PositiveIntegerField()
    providers = models.JSONField(default=list, validators=[validate_providers])
    min_quality = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal(0))
    strict = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_power_levels"
        ordering = ("multiplier",)
        constraints = (
            models.CheckConstraint(condition=Q(multiplier__gte=0), name="power_level_is_no_refund"),
            models.CheckConstraint(condition=Q(max_output_tokens__gte=1), name="power_level_allows_output"),
            models.CheckConstraint(
                condition=Q(min_quality__gte=0, min_quality__lte=1), name="power_level_quality_is_a_share"
            ),
        )

    def __str__(self) -> str:
        return self.slug
