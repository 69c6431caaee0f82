"""Prices, each version a row that never changes: what a running hold was priced at can't move under it."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q

RATES = ("input_price", "cached_input_price", "cache_write_price", "output_price", "search_price")


class PriceQuerySet(models.QuerySet["Price"]):
    def current(self) -> "PriceQuerySet":
        """The highest number of every model and deployment, without those whose price was withdrawn."""
        newer = Price.objects.filter(number__gt=OuterRef("number"))
        of_model = newer.filter(model_id=OuterRef("model_id"), deployment__isnull=True)
        of_deployment = newer.filter(deployment_id=OuterRef("deployment_id"))
        return self.filter(
            Q(Q(deployment__isnull=True), ~Exists(of_model)) | Q(Q(deployment__isnull=False), ~Exists(of_deployment)),
            input_price__isnull=False,
        )

    def of(self, *, model_id: int, deployment_id: int | None) -> "PriceQuerySet":
        """Every version of one price: the model's, or one deployment's own."""
        versions = self.filter(model_id=model_id)
        if deployment_id is None:
            return versions.filter(deployment__isnull=True)
        return versions.filter(deployment_id=deployment_id)


class Price(models.Model):
    """One version of a model's price, or of one deployment's own.

    Rates are USD per 1M tokens, an empty one is the input price; `search_price` is USD per search.
    A version without an input price withdraws the former. The database refuses UPDATE and DELETE, and a price
    outlives its model, so the foreign keys are no constraints there.
    """

    model = models.ForeignKey("llm.LLMModel", on_delete=models.DO_NOTHING, db_constraint=False, related_name="prices")
    deployment = models.ForeignKey(
        "llm.Deployment",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="prices",
    )
    number = models.PositiveIntegerField(help_text="1 for the first version, counting up.")
    input_price = models.DecimalField(
        max_digits=15, decimal_places=6, null=True, blank=True, validators=(MinValueValidator(0),)
    )
    cached_input_price = models.DecimalField(
        max_digits=15, decimal_places=6, null=True, blank=True, validators=(MinValueValidator(0),)
    )
    cache_write_price = models.DecimalField(
        max_digits=15, decimal_places=6, null=True, blank=True, validators=(MinValueValidator(0),)
    )
    output_price = models.DecimalField(
        max_digits=15, decimal_places=6, null=True, blank=True, validators=(MinValueValidator(0),)
    )
    search_price = models.DecimalField(
        max_digits=15, decimal_places=6, null=True, blank=True, validators=(MinValueValidator(0),)
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_id = models.BigIntegerField(null=True, blank=True)

    objects = PriceQuerySet.as_manager()

    class Meta:
        db_table = "llm_prices"
        ordering = ("model_id", "deployment_id", "-number")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("model", "number"),
                condition=Q(deployment__isnull=True),
                name="price_number_once_per_model",
            ),
            models.UniqueConstraint(
                fields=("deployment", "number"),
                condition=Q(deployment__isnull=False),
                name="price_number_once_per_deployment",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="price_numbers_start_at_one"),
            models.CheckConstraint(
                condition=Q(*(Q(**{f"{rate}__isnull": True}) | Q(**{f"{rate}__gte": 0}) for rate in RATES)),
                name="price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(input_price__isnull=False) | Q(**{f"{rate}__isnull": True for rate in RATES}),
                name="price_has_an_input_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"price {self.number}"
