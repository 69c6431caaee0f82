"""Plans: the tier of whoever has one, and the credits that it grants."""

from django.db import models
from django.db.models import Q

from opscenter.core.tiers import Tier


class Plan(models.Model):
    """`credits_nano` once per period, and never twice for one tier and period. Periods begin in UTC."""

    class Period(models.TextChoices):
        ONCE = "once", "Once"
        MONTH = "month", "Every calendar month"

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    tier = models.CharField(max_length=16, choices=Tier.choices)
    credits_nano = models.BigIntegerField("credits", help_text="Nanocredits per period.")
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    lasts_months = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="What is granted expires at the end of this month (1), of the next (2) ...; empty: never.",
    )
    for_new_wallets = models.BooleanField(default=False, help_text="The plan of every new account.")
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_plans"
        ordering = ("credits_nano", "slug")
        constraints = (
            models.CheckConstraint(condition=Q(credits_nano__gte=0), name="plan_grants_no_debt"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="plan_tier_is_known"),
            models.CheckConstraint(condition=Q(period__in=("once", "month")), name="plan_period_is_known"),
            models.CheckConstraint(
                condition=Q(lasts_months__isnull=True) | Q(lasts_months__gte=1), name="plan_credits_last_a_while"
            ),
            models.UniqueConstraint(
                fields=("for_new_wallets",), condition=Q(for_new_wallets=True), name="plan_of_new_wallets_is_one"
            ),
        )

    def __str__(self) -> str:
        return self.name
