"""The catalog: public model names and the deployments that answer for them."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from llmconfig.models.ai_server import AIServer
from llmconfig.models.price import Price
from llmconfig.models.provider_key import ProviderKey
from llmconfig.models.purpose import Purpose
from opscenter.core.tiers import Tier


class LLMModelQuerySet(models.QuerySet["LLMModel"]):
    def enabled(self) -> "LLMModelQuerySet":
        return self.filter(enabled=True)

    def platform(self) -> "LLMModelQuerySet":
        return self.filter(owner__isnull=True)

    def complete(self) -> "LLMModelQuerySet":
        """With deployments, their providers and the current prices: three queries however many models."""
        deployments = Deployment.objects.select_related("server", "key")
        prices = models.Prefetch("prices", queryset=Price.objects.current(), to_attr="fetched_prices")
        return self.prefetch_related(models.Prefetch("deployments", queryset=deployments), prices)


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


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def enabled(self) -> "DeploymentQuerySet":
        return self.filter(enabled=True, model__enabled=True)

    def platform(self) -> "DeploymentQuerySet":
        return self.filter(model__owner__isnull=True)

    def on(self, provider: AIServer | ProviderKey) -> "DeploymentQuerySet":
        if isinstance(provider, AIServer):
            return self.filter(server=provider)
        return self.filter(key=provider)

    def answering(self, name: str, *, purpose: str) -> "DeploymentQuerySet":
        """Those that `name` means, as a public name or as the provider's own."""
        return self.filter(Q(model__name=name) | Q(upstream_model=name), model__purpose=purpose)

    def complete(self) -> "DeploymentQuerySet":
        return self.select_related("model", "server", "key").prefetch_related(
            models.Prefetch("prices", queryset=Price.objects.current(), to_attr="fetched_prices")
        )


class Deployment(models.Model):
    """A model on one AI server or one provider key. A lower priority is tried first."""

    class Transport(models.TextChoices):
        AUTO = "auto", "Automatic: relay where the upstream speaks OpenAI's format"
        LITELLM = "litellm", "LiteLLM"
        RELAY = "relay", "Relay"

    class MaxTokensParam(models.TextChoices):
        MAX_TOKENS = "max_tokens", "max_tokens"
        MAX_COMPLETION_TOKENS = "max_completion_tokens", "max_completion_tokens"

    model = models.ForeignKey(LLMModel, on_delete=models.CASCADE, related_name="deployments")
    server = models.ForeignKey(
        AIServer, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments"
    )
    key = models.ForeignKey(
        ProviderKey, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments"
    )
    upstream_model = models.CharField(max_length=300, help_text="The model's id at its provider.")
    priority = models.PositiveSmallIntegerField(default=0, help_text="Lower is tried first.")
    weight = models.PositiveSmallIntegerField(default=1, validators=(MinValueValidator(1),))
    rpm = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        help_text="Requests per minute; empty: unlimited.",
    )
    tpm = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        help_text="Tokens per minute; empty: unlimited.",
    )
    timeout_s = models.PositiveIntegerField(default=600, validators=(MinValueValidator(1),))
    transport = models.CharField(max_length=10, choices=Transport, default=Transport.AUTO)
    max_tokens_param = models.CharField(
        max_length=25, choices=MaxTokensParam, blank=True, help_text="Empty: what the provider usually wants."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        db_table = "llm_deployments"
        ordering = ("model_id", "priority", "id")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(server__isnull=False, key__isnull=True)
                | Q(server__isnull=True, key__isnull=False),
                name="deployment_on_exactly_one",
                violation_error_message="A deployment is on one AI server or on one provider key.",
            ),
            models.UniqueConstraint(
                fields=("model", "server", "upstream_model"),
                condition=Q(server__isnull=False),
                name="deployment_once_per_server",
                violation_error_message="The model is deployed there already.",
            ),
            models.UniqueConstraint(
                fields=("model", "key", "upstream_model"),
                condition=Q(key__isnull=False),
                name="deployment_once_per_key",
                violation_error_message="The model is deployed there already.",
            ),
            models.CheckConstraint(
                condition=~Q(upstream_model="") & Q(weight__gte=1) & Q(timeout_s__gte=1),
                name="deployment_values_usable",
            ),
            models.CheckConstraint(
                condition=Q(transport__in=["auto", "litellm", "relay"])
                & Q(max_tokens_param__in=["", "max_tokens", "max_completion_tokens"]),
                name="deployment_choices_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.provider}"

    def clean(self) -> None:
        if self.transport == self.Transport.RELAY and self.key and not self.key.known_provider.speaks_openai:
            raise ValidationError(
                {"transport": f"{self.key.provider} does not speak OpenAI's format: use auto or litellm."}
            )

    @property
    def provider(self) -> AIServer | ProviderKey:
        provider = self.server or self.key
        if provider is None:
            raise ValueError("a deployment without a server or key can't be stored")
        return provider

    @property
    def own_price(self) -> Price | None:
        """The current price of this deployment alone; None: the model's applies."""
        fetched: list[Price] | None = getattr(self, "fetched_prices", None)
        return self.prices.current().first() if fetched is None else next(iter(fetched), None)
