"""What people are told of a change of state, or of a key that is due for rotation: one row a channel, sent once."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from llmconfig.models.health import HealthChange
from llmconfig.models.provider_key import ProviderKey
from opscenter.core.ids import uuid7


class HealthAlert(models.Model):
    """Of a `change`, or of a `key` that is due for rotation.

    `due_at` null: nothing is left to do, for it was sent or given up. `id` is the webhook-id of every attempt.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    change = models.ForeignKey(HealthChange, null=True, on_delete=models.CASCADE, db_index=False, related_name="alerts")
    key = models.ForeignKey(ProviderKey, null=True, on_delete=models.CASCADE, db_index=False, related_name="reminders")
    channel = models.CharField(max_length=7, choices=Channel)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "llm_health_alerts"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("change", "channel"), name="health_alert_once"),
            models.UniqueConstraint(fields=("key", "channel"), name="rotation_alert_once"),
            models.CheckConstraint(
                condition=Q(change__isnull=True, key__isnull=False) | Q(change__isnull=False, key__isnull=True),
                name="health_alert_of_change_or_key",
            ),
        ]
        indexes = (models.Index(fields=("due_at",), condition=Q(sent_at__isnull=True), name="health_alerts_due"),)

    def __str__(self) -> str:
        return f"{self.channel} {self.id}"

    @property
    def outcome(self) -> str:
        if self.sent_at:
            return f"sent {self.sent_at:%Y-%m-%d %H:%M:%S}"
        tried = f" after {self.attempts} attempts: {self.error}" if self.attempts else ""
        return f"waiting{tried}" if self.due_at else f"given up{tried}"
