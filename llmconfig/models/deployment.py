"""Where the catalog's models run."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from llmconfig.models.ai_server import AIServer
from llmconfig.models.llm_model import LLMModel
from llmconfig.models.price import Price
from llmconfig.models.provider_key import ProviderKey
from opscenter.core.models import Limited, limits_are_usable


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def enabled(self) -> "DeploymentQuerySet":
        return self.filter(enabled=True, model__enabled=True)

    def placed(self) -> "DeploymentQuerySet":
        """Enabled ones on an enabled server, or on an enabled key that is stored."""
        stored = Q(key__enabled=True, key__encrypted_key__isnull=False)
        return self.filter(Q(server__enabled=True) | stored, enabled=True)

    def platform(self) -> "DeploymentQuerySet":
        return self.filter(model__owner__isnull=True)

    def callable(self) -> "DeploymentQuerySet":
        """Of the platform's models, and of personal ones those on keys of their owners."""
        return self.filter(Q(model__owner__isnull=True) | Q(model__owner=F("key__owner")))

    def on(self, provider: AIServer | ProviderKey) -> "DeploymentQuerySet":
        if isinstance(provider, AIServer):
            return self.filter(server=provider)
        return self.filter(key=provider)

    def answering(self, name: str, *, purpose: str) -> "DeploymentQuerySet":
        """Those that `name` means, as a public name or as the provider's own."""
        return self.filter(Q(model__name=name) | Q(upstream_model=name), model__purpose=purpose)

    def complete(self) -> "DeploymentQuerySet":
        """With model, provider and prices: two queries however many deployments."""
        prices = models.Prefetch("model__prices", queryset=Price.objects.current(), to_attr="fetched_prices")
        return self.select_related("model", "server", "key").prefetch_related(prices)


class Deployment(Limited):
    """A model on one AI server or one provider key. A lower priority is tried first."""

    class Transport(models.TextChoices):
        AUTO = "auto", "Automatic: relay where the upstream speaks OpenAI's format"
        LITELLM = "litellm", "LiteLLM"
        RELAY = "relay", "Relay"

    class MaxTokensParam(models.TextChoices):
        MAX_TOKENS = "max_tokens", "max_tokens"
        MAX_COMPLETION_TOKENS = "max_completion_tokens", "max_completion_tokens"

    model = models.ForeignKey(LLMModel, on_delete=models.CASCADE, related_name="deployments")
    server = models.ForeignKey(AIServer, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments")
    key = models.ForeignKey(ProviderKey, null=True, blank=True, on_delete=models.PROTECT, related_name="deployments")
    upstream_model = models.CharField(max_length=300, help_text="The model's id at its provider.")
    priority = models.PositiveSmallIntegerField(default=0, help_text="Lower is tried first.")
    weight = models.PositiveSmallIntegerField(default=1, validators=(MinValueValidator(1),))
    timeout_s = models.PositiveIntegerField("timeout (s)", default=600, validators=(MinValueValidator(1),))
    transport = models.CharField(max_length=10, choices=Transport, default=Transport.AUTO)
    max_tokens_param = models.CharField(
        "token limit parameter",
        max_length=25,
        choices=MaxTokensParam,
        blank=True,
        help_text="Empty: what the provider usually wants.",
    )
    privacy = models.CharField(
        max_length=10,
        choices=LLMModel.Privacy,
        blank=True,
        help_text="Empty: high on an AI server, on a provider key as the model, medium at most.",
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
                condition=Q(server__isnull=False, key__isnull=True) | Q(server__isnull=True, key__isnull=False),
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
            models.CheckConstraint(
                condition=Q(privacy__in=["", "low", "medium"]) | Q(privacy="high", server__isnull=False),
                name="deployment_privacy_is_kept",
                violation_error_message="High privacy is for AI servers: a provider's key leads off the operator's.",
            ),
            limits_are_usable(name="deployment_limits_are_usable"),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.provider}"

    def clean(self) -> None:
        if self.transport == self.Transport.RELAY and self.key and not self.key.known_provider.speaks_openai:
            raise ValidationError(
                {"transport": f"{self.key.provider} does not speak OpenAI's format: use auto or litellm."}
            )
        if self.model_id and self.model.owner_id != (self.key.owner_id if self.key else None):
            raise ValidationError(
                "A personal model runs on its owner's keys, a model of the platform on the platform's."
            )

    @property
    def provider(self) -> AIServer | ProviderKey:
        provider = self.server or self.key
        if provider is None:
            raise ValueError("a deployment without a server or key can't be stored")
        return provider

    @property
    def effective_privacy(self) -> str:
        """Its own, else what follows from where it runs; a model that is said to be low is so everywhere."""
        levels, of_model = LLMModel.Privacy, self.model.privacy
        if self.privacy or of_model == levels.LOW:
            return self.privacy or of_model
        return levels.HIGH.value if self.server_id else levels.MEDIUM.value

    @property
    def own_price(self) -> Price | None:
        """The current price of this deployment alone; None: the model's applies."""
        prices = self.model.current_prices()
        return next((price for price in prices if price.deployment_id == self.pk), None)
