"""Secret API keys of providers: the platform's own, or a consumer's."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from llmconfig.models.metadata import validate_metadata
from llmconfig.providers import Provider, is_known, provider_for
from opscenter.core.models import Secret

REMINDED_EVERY = timedelta(days=7)


class ProviderKeyQuerySet(models.QuerySet["ProviderKey"]):
    def enabled(self) -> "ProviderKeyQuerySet":
        return self.filter(enabled=True, blocked=False)

    def platform(self) -> "ProviderKeyQuerySet":
        return self.filter(owner__isnull=True)

    def of_consumers(self) -> "ProviderKeyQuerySet":
        return self.filter(owner__isnull=False)

    def callable(self) -> "ProviderKeyQuerySet":
        """Those over which the platform may route consumers' calls, and consumers' own."""
        return self.enabled().filter(Q(owner__isnull=False) | Q(use_for_ops_center=True))

    def with_secret(self) -> "ProviderKeyQuerySet":
        """With the secrets' rows, so that masking a page of keys costs no query each."""
        return self.select_related("encrypted_key", "staged_key")

    def due_for_activation(self, now: datetime) -> "ProviderKeyQuerySet":
        """Those whose staged key was to be in use by now."""
        return self.filter(staged_key__isnull=False, activates_at__lte=now)

    def due_for_rotation(self, now: datetime) -> "ProviderKeyQuerySet":
        """Enabled ones whose key is in use for longer than their rotation interval."""
        return self.enabled().filter(rotation_due_at__lte=now)

    def due_for_a_reminder(self, now: datetime) -> "ProviderKeyQuerySet":
        """The platform's that are due for rotation, and of which nobody was told since, or lately."""
        untold = Q(rotation_reminded_at__isnull=True) | Q(rotation_reminded_at__lt=F("rotation_due_at"))
        long_ago = Q(rotation_reminded_at__lt=now - REMINDED_EVERY)
        return self.platform().due_for_rotation(now).filter(untold | long_ago)


class ProviderKey(models.Model):
    """A key to one provider. `owner` null: the platform's; else a consumer's own, for that one alone.

    `encrypted_key` is the version in use, `staged_key` the next one, which `activates_at` puts into use by itself;
    services.rotation moves them. `environment_secret` is the one that was taken over from the environment: while that
    is in use, the environment's next key replaces it.
    """

    provider = models.SlugField(
        max_length=60, help_text="openai, anthropic, ... or any other LiteLLM provider by its name there."
    )
    key_name = models.CharField(max_length=100)
    encrypted_key = models.ForeignKey(
        Secret, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    environment_secret = models.UUIDField(null=True, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="provider_keys",
        help_text="Empty: the platform's own key.",
    )
    enabled = models.BooleanField(default=True)
    use_for_ops_center = models.BooleanField(
        "use for calls", default=True, help_text="The platform may route consumers' calls over this key."
    )
    byok_only = models.BooleanField(
        "own key only",
        default=True,
        help_text="Of a consumer's own key: what it can't answer is not asked of the platform's keys.",
    )
    blocked = models.BooleanField(
        default=False, help_text="A consumer's own key that no call uses, until an operator takes this back."
    )
    staged_key = models.ForeignKey(
        Secret, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    activates_at = models.DateTimeField(null=True, blank=True, editable=False)
    activation_refusal = models.CharField(max_length=300, blank=True, editable=False)
    grace_days = models.PositiveSmallIntegerField(
        "grace period (days)",
        default=7,
        validators=[MaxValueValidator(365)],
        help_text="How long a replaced key can be reverted to; then it is erased.",
    )
    rotation_interval_days = models.PositiveSmallIntegerField(
        "rotation interval (days)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="After so many days in use the key is reported as due for rotation; empty: never.",
    )
    rotation_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    rotation_reminded_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_interval_s = models.PositiveIntegerField(
        "check interval (s)",
        null=True,
        blank=True,
        help_text="Between two health checks. Empty: what the installation has for keys; 0: never.",
    )
    last_used = models.DateTimeField(null=True, blank=True, editable=False)
    requests_count = models.PositiveBigIntegerField(default=0, editable=False)
    tokens_used = models.PositiveBigIntegerField(default=0, editable=False)
    cost_usd = models.DecimalField("cost (USD)", max_digits=15, decimal_places=9, default=0, editable=False)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    created_by = models.ForeignKey(
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

    objects = ProviderKeyQuerySet.as_manager()

    class Meta:
        db_table = "llm_api_keys"
        ordering = ("provider", "key_name")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("provider", "key_name"),
                condition=models.Q(owner__isnull=True),
                name="provider_key_once_on_platform",
                violation_error_message="The platform has a key of this name there already.",
            ),
            models.UniqueConstraint(
                fields=("owner", "provider", "key_name"),
                condition=models.Q(owner__isnull=False),
                name="provider_key_once_per_owner",
            ),
            models.CheckConstraint(
                condition=~models.Q(provider="") & ~models.Q(key_name=""), name="provider_key_is_named"
            ),
            models.CheckConstraint(
                condition=models.Q(activates_at__isnull=True) | models.Q(staged_key__isnull=False),
                name="provider_key_activation_is_staged",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(blocked=False, byok_only=True),
                name="provider_key_choices_of_owners",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.key_name}"

    def clean(self) -> None:
        if not is_known(self.provider):
            raise ValidationError({"provider": f'"{self.provider}" is no provider that LiteLLM knows.'})

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)

    def rotation_due(self, in_use_since: datetime) -> datetime | None:
        """When a key that is in use since then is due for rotation; None without an interval."""
        days = self.rotation_interval_days
        return in_use_since + timedelta(days=days) if days else None

    @property
    def masked_key(self) -> str | None:
        return self.encrypted_key.masked if self.encrypted_key else None

    @property
    def is_usable(self) -> bool:
        return self.enabled and not self.blocked

    @property
    def is_from_environment(self) -> bool:
        """Whether nobody replaced what was taken over from the environment."""
        return self.encrypted_key_id is not None and self.encrypted_key_id == self.environment_secret

    @property
    def known_provider(self) -> Provider:
        return provider_for(self.provider)


class ConsumerKeyManager(models.Manager.from_queryset(ProviderKeyQuerySet)):  # type: ignore[misc]  # made when called
    def get_queryset(self) -> ProviderKeyQuerySet:
        rows: ProviderKeyQuerySet = super().get_queryset()
        return rows.of_consumers()


class ConsumerKey(ProviderKey):
    """Those of consumers, as a page of their own; services take them as what they are, provider keys."""

    objects: ClassVar[Any] = ConsumerKeyManager()

    class Meta:
        proxy = True
        verbose_name = "consumer's own key"
        verbose_name_plural = "consumers' own keys"
