"""How the LiteLLM proxy stands to what it should serve: bookkeeping, neither audited nor announced."""

from typing import Any, ClassVar

from django.db import models


class ProxyState(models.Model):
    """The one row (id 1). `differences` are the first of `difference_count`, as [kind, model, detail].

    `synced_version` is the configuration that was told last, `seen_version` the one seen since `seen_at`, and
    `pending_since` when the first change came that has not been told. Who works on it holds it until `held_until`.
    """

    MOST_DIFFERENCES = 50

    class Status(models.TextChoices):
        OFF = "off", "Off"
        UNKNOWN = "unknown", "Not known"
        IN_SYNC = "in_sync", "In sync"
        DRIFTED = "drifted", "Drifted"
        FAILING = "failing", "Failing"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    status = models.CharField(max_length=10, choices=Status, default=Status.UNKNOWN)
    message = models.TextField(blank=True)
    differences = models.JSONField(default=list, blank=True)
    difference_count = models.PositiveIntegerField("differences", default=0)
    models_count = models.PositiveIntegerField("models", default=0, help_text="That the proxy should serve.")
    checked_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    reload_failed = models.BooleanField(default=False)
    synced_version = models.BigIntegerField(null=True, blank=True)
    seen_version = models.BigIntegerField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    pending_since = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "llm_proxy_state"
        verbose_name = verbose_name_plural = "LiteLLM proxy"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="proxy_state_is_one_row"),
            models.CheckConstraint(
                condition=models.Q(status__in=["off", "unknown", "in_sync", "drifted", "failing"]),
                name="proxy_state_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"LiteLLM proxy: {self.get_status_display().lower()}"
