"""The catalog: the names that consumers ask for."""

from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from llmconfig.models.price import Price
from llmconfig.models.purpose import Purpose
from opscenter.core.tiers import Tier


def _newest(prices: "models.QuerySet[Price]") -> "models.QuerySet[Price, Any]":
    """Null where there is none, or it was withdrawn."""
    return prices.order_by("-number").values("input_price")[:1]


class LLMModelQuerySet(models.QuerySet["LLMModel"]):
    def enabled(self) -> "LLMModelQuerySet":
        return self.filter(enabled=True)

    def platform(self) -> "LLMModelQuerySet":
        return self.filter(owner__isnull=True)

    def unpriced(self) -> "LLMModelQuerySet":
        """Platform models with an enabled deployment on a provider key that can't be called for want of a price."""
        of_model = Price.objects.filter(model_id=OuterRef("model_id"), deployment__isnull=True)
        own = Price.objects.filter(deployment_id=OuterRef("pk"))
        deployments = (
            apps.get_model("llm", "Deployment")
            ._default_manager.filter(model_id=OuterRef("pk"), key__isnull=False, enabled=True)
            .annotate(of_model=Subquery(_newest(of_model)), own=Subquery(_newest(own)))
            .filter(of_model__isnull=True, own__isnull=True)
        )
        return self.platform().enabled().filter(Exists(deployments))

    def complete(self) -> "LLMModelQuerySet":
        """With deployments, their providers and the current prices: five queries however many models."""
        prices = models.Prefetch("prices", queryset=Price.objects.current(), to_attr="fetched_prices")
        return self.prefetch_related(prices, "deployments__server", "deployments__key")


class LLMModel(models.Model):
    """A name that consumers ask for. `owner` null: the platform's; `tier` is the lowest that may call it."""

    class LatencyClass(models.TextChoices):
        ULTRAFAST = "ultrafast", "Ultrafast"
        FAST = "fast", "Fast"
        MEDIUM = "medium", "Medium"
        SLOW = "slow", "Slow"

    class Privacy(models.TextChoices):
        HIGH = "high", "High: stays on the operator's servers"
        MEDIUM = "medium", "Medium: a provider under contract"
        LOW = "low", "Low: may be kept or trained on"

    class Strategy(models.TextChoices):
        WEIGHTED = "weighted", "Weighted: at random, by weight"
        LEAST_BUSY = "least-busy", "Least busy: fewest calls in flight for its weight"
        LOWEST_LATENCY = "lowest-latency", "Lowest latency: the fastest of late, as measured"
        COST_AWARE = "cost-aware", "Cost-aware: the cheapest"
        QUALITY = "quality", "Quality: the power level's providers and the best score"

    name = models.CharField(
        max_length=200,
        validators=(RegexValidator(r"^[\w.:/@+-]+\Z", "Letters, digits and . : / @ + - _ only."),),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="llm_models",
        help_text="Empty: the platform's own model.",
    )
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.CHAT)
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.FREE)
    use_case_tags = models.JSONField(default=list, blank=True)
    context_window = models.PositiveIntegerField(
        null=True, blank=True, validators=(MinValueValidator(1),), help_text="Tokens."
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=(MinValueValidator(1),), help_text="Tokens."
    )
    quality_score = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=(MinValueValidator(0), MaxValueValidator(1)),
        help_text="0 to 1.",
    )
    latency_class = models.CharField(max_length=10, choices=LatencyClass, default=LatencyClass.MEDIUM)
    privacy = models.CharField(max_length=10, choices=Privacy, default=Privacy.MEDIUM)
    strategy = models.CharField(
        max_length=16,
        choices=Strategy,
        default=Strategy.WEIGHTED,
        help_text="Which of its deployments of one priority is asked first. Callers of /api/v2/llm may choose another.",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = LLMModelQuerySet.as_manager()

    class Meta:
        db_table = "llm_models"
        ordering = ("name",)
        verbose_name = "model"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("name",),
                condition=Q(owner__isnull=True),
                name="model_name_once_on_platform",
                violation_error_message="The platform has a model of this name already.",
            ),
            models.UniqueConstraint(
                fields=("owner", "name"), condition=Q(owner__isnull=False), name="model_name_once_per_owner"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="model_is_named"),
            models.CheckConstraint(
                condition=Q(purpose__in=["chat", "embeddings", "reranking"]), name="model_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(tier__in=["free", "starter", "professional", "enterprise"]),
                name="model_tier_known",
            ),
            models.CheckConstraint(
                condition=Q(quality_score__isnull=True) | Q(quality_score__gte=0, quality_score__lte=1),
                name="model_quality_in_range",
            ),
            models.CheckConstraint(
                condition=Q(strategy__in=["weighted", "least-busy", "lowest-latency", "cost-aware", "quality"]),
                name="model_strategy_known",
            ),
            models.CheckConstraint(
                condition=(Q(context_window__isnull=True) | Q(context_window__gte=1))
                & (Q(max_output_tokens__isnull=True) | Q(max_output_tokens__gte=1)),
                name="model_sizes_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def current_prices(self) -> list[Price]:
        """The model's current price and those of its deployments; no query after `complete()`."""
        fetched: list[Price] | None = getattr(self, "fetched_prices", None)
        return list(self.prices.current()) if fetched is None else fetched

    @property
    def price(self) -> Price | None:
        """The price of its deployments that have none of their own."""
        return next((price for price in self.current_prices() if price.deployment_id is None), None)
