"""Which provider answers for a purpose when the caller names none."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from llmconfig.models.ai_server import AIServer
from llmconfig.models.provider_key import ProviderKey
from llmconfig.models.purpose import Purpose


class ActiveProviderQuerySet(models.QuerySet["ActiveProvider"]):
    def complete(self) -> "ActiveProviderQuerySet":
        """With the providers and their secrets' rows."""
        return self.select_related(
            "primary_server__api_key",
            "primary_key__encrypted_key",
            "fallback_server__api_key",
            "fallback_key__encrypted_key",
        )

    def pointing_at(self, provider: AIServer | ProviderKey) -> "ActiveProviderQuerySet":
        if isinstance(provider, AIServer):
            return self.filter(Q(primary_server=provider) | Q(fallback_server=provider))
        return self.filter(Q(primary_key=provider) | Q(fallback_key=provider))


class ActiveProvider(models.Model):
    """One row per purpose: the primary with its default model, and the fallback with its own.

    Written by services.active alone, which refuses what could not answer.
    """

    purpose = models.CharField(max_length=12, choices=Purpose, unique=True)
    primary_server = models.ForeignKey(AIServer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    primary_key = models.ForeignKey(ProviderKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    default_model = models.CharField(
        max_length=300,
        blank=True,
        help_text="A catalog name or the provider's own; empty: the server's default.",
    )
    fallback_server = models.ForeignKey(AIServer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    fallback_key = models.ForeignKey(ProviderKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    fallback_model = models.CharField(max_length=300, blank=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = ActiveProviderQuerySet.as_manager()

    class Meta:
        db_table = "active_providers"
        ordering = ("purpose",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(primary_server__isnull=False, primary_key__isnull=True)
                | Q(primary_server__isnull=True, primary_key__isnull=False),
                name="active_has_one_primary",
                violation_error_message="The primary is one AI server or one provider key.",
            ),
            models.CheckConstraint(
                condition=Q(fallback_server__isnull=True) | Q(fallback_key__isnull=True),
                name="active_has_one_fallback_at_most",
                violation_error_message="The fallback is one AI server or one provider key.",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["chat", "embeddings", "reranking"]), name="active_purpose_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.primary}"

    @property
    def primary(self) -> AIServer | ProviderKey | None:
        return self.primary_server or self.primary_key

    @property
    def fallback(self) -> AIServer | ProviderKey | None:
        return self.fallback_server or self.fallback_key

    def pointers(self) -> list[tuple[str, AIServer | ProviderKey, str]]:
        """(primary or fallback, provider, model) of what is set; an empty model is the server's default."""
        slots = (
            ("primary", self.primary, self.default_model),
            ("fallback", self.fallback, self.fallback_model),
        )
        return [(slot, provider, model_of(provider, model)) for slot, provider, model in slots if provider]


def model_of(provider: AIServer | ProviderKey, model: str) -> str:
    """`model`, or else the server's default; "" where there is neither."""
    return model or (provider.model_path if isinstance(provider, AIServer) else "")
