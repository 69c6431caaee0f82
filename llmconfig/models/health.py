"""How each provider is, what its checks found and add up to. Bookkeeping, which llmconfig.health alone writes."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from llmconfig.models.ai_server import AIServer
from llmconfig.models.provider_key import ProviderKey

Status = AIServer.Health


class ProviderHealthQuerySet(models.QuerySet["ProviderHealth"]):
    def of(self, provider: AIServer | ProviderKey) -> "ProviderHealthQuerySet":
        return self.filter(server=provider) if isinstance(provider, AIServer) else self.filter(key=provider)

    def platform(self) -> "ProviderHealthQuerySet":
        """Without consumers' own keys, which are nobody else's business."""
        return self.filter(key__owner__isnull=True)

    def watched(self) -> "ProviderHealthQuerySet":
        """Those that are checked: what is disabled, or checked never, keeps the state it had."""
        return self.filter(_watched())

    def due(self) -> "ProviderHealthQuerySet":
        """Unclaimed, and either their time has come or their provider was changed since they were checked.

        One whose API key was removed is due once, to become unknown.
        """
        changed = Q(server__updated_at__gt=F("checked_at")) | Q(key__updated_at__gt=F("checked_at"))
        emptied = Q(key__encrypted_key__isnull=True, key__isnull=False) & ~Q(status=Status.UNKNOWN)
        now = timezone.now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
        return self.filter(free).filter(_watched() & (Q(due_at__lte=now) | changed) | emptied)

    def complete(self) -> "ProviderHealthQuerySet":
        """With the providers and their secrets' rows."""
        return self.select_related("server__api_key", "key__encrypted_key", "key__owner")


def _watched() -> Q:
    on_server = Q(server__enabled=True) & _has_interval("server")
    in_use = Q(key__enabled=True, key__blocked=False, key__encrypted_key__isnull=False)
    on_key = in_use & _has_interval("key")
    on_proxy = Q(subject=ProviderHealth.PROXY) if settings.LITELLM_PROXY_URL else Q(pk__in=())
    return on_server | on_key | on_proxy


def _has_interval(provider: str) -> Q:
    return Q(**{f"{provider}__check_interval_s__isnull": True}) | ~Q(**{f"{provider}__check_interval_s": 0})


class ProviderHealth(models.Model):
    """One AI server's, one provider key's, or the LiteLLM proxy's, which is neither.

    `status` changes by several results in a row alone; `pending` and `streak` are those so far. Whoever holds `claim`
    until `claimed_until` is checking it.
    """

    PROXY = "proxy"

    subject = models.CharField(max_length=30, unique=True, editable=False)
    server = models.OneToOneField(
        AIServer, null=True, blank=True, on_delete=models.CASCADE, related_name="provider_health"
    )
    key = models.OneToOneField(
        ProviderKey, null=True, blank=True, on_delete=models.CASCADE, related_name="provider_health"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.UNKNOWN)
    since = models.DateTimeField(null=True, blank=True)
    pending = models.CharField(max_length=10, blank=True, choices=Status)
    streak = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField("latency (ms)", null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField(db_index=True)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)

    objects = ProviderHealthQuerySet.as_manager()

    class Meta:
        db_table = "llm_health"
        ordering = ("id",)
        verbose_name = "provider's health"
        verbose_name_plural = "health of providers"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(server__isnull=True) | Q(key__isnull=True), name="health_of_one_provider_at_most"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="health_status_known"),
        ]

    def __str__(self) -> str:
        return str(self.provider or "LiteLLM proxy")

    @property
    def provider(self) -> AIServer | ProviderKey | None:
        return self.server or self.key

    @staticmethod
    def status_of(key: ProviderKey) -> Status:
        """Of a key that was read with its health."""
        health: ProviderHealth | None = getattr(key, "provider_health", None)
        return Status(health.status) if health else Status.UNKNOWN

    @property
    def is_empty(self) -> bool:
        """A provider key's that no API key is stored for, such as those that a fresh installation begins with."""
        return self.key is not None and self.key.encrypted_key_id is None

    @property
    def kind(self) -> str:
        if self.server_id:
            return "AI server"
        return "Provider key" if self.key_id else "Proxy"


class HealthCheck(models.Model):
    """What one check found; kept for HEALTH_HISTORY_S."""

    health = models.ForeignKey(ProviderHealth, on_delete=models.CASCADE, db_index=False, related_name="checks")
    at = models.DateTimeField(db_index=True)
    status = models.CharField(max_length=10, choices=Status)
    latency_ms = models.PositiveIntegerField(null=True)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "llm_health_checks"
        indexes = (models.Index(fields=("health", "-at"), name="health_checks_newest"),)

    def __str__(self) -> str:
        return f"{self.health_id} {self.at:%Y-%m-%d %H:%M:%S} {self.status}"


class HealthRollup(models.Model):
    """The checks of one hour or one day, in UTC, counted as they come: they outlive the checks themselves."""

    class Period(models.TextChoices):
        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    health = models.ForeignKey(ProviderHealth, on_delete=models.CASCADE, db_index=False, related_name="rollups")
    period = models.CharField(max_length=4, choices=Period)
    start = models.DateTimeField(db_index=True)
    healthy = models.PositiveIntegerField(default=0)
    degraded = models.PositiveIntegerField(default=0)
    unhealthy = models.PositiveIntegerField(default=0)
    answers = models.PositiveIntegerField(default=0)
    latency_ms_sum = models.PositiveBigIntegerField(default=0)
    latency_ms_max = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "llm_health_rollups"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("health", "period", "start"), name="health_rollup_once"),
        ]

    def __str__(self) -> str:
        return f"{self.health_id} {self.period} {self.start:%Y-%m-%d %H:%M}"


class HealthChange(models.Model):
    """A change of state, and when it came."""

    health = models.ForeignKey(ProviderHealth, on_delete=models.CASCADE, db_index=False, related_name="changes")
    at = models.DateTimeField(db_index=True)
    before = models.CharField(max_length=10, choices=Status)
    after = models.CharField(max_length=10, choices=Status)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "llm_health_changes"
        indexes = (models.Index(fields=("health", "-at"), name="health_changes_newest"),)

    def __str__(self) -> str:
        return f"{self.health}: {self.before} -> {self.after}"
