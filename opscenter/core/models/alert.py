"""What people are told of: one row for each channel and address, sent once."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from opscenter.core.ids import uuid7


class Alert(models.Model):
    """`about` says of which row, in the words of whoever raises alerts of this `type`.

    `due_at` null: nothing is left to do, for it was sent or given up. `id` is the webhook-id of every attempt.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=60, help_text="As webhooks name it, e.g. provider.health_changed.")
    about = models.CharField(max_length=120)
    channel = models.CharField(max_length=7, choices=Channel)
    address = models.CharField(
        max_length=254, blank=True, help_text="Whose letter it is; empty: the operators', or the webhook's."
    )
    headline = models.CharField(max_length=300)
    text = models.TextField()
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    queued_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "core_alerts"
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("type", "about", "channel", "address"), name="alert_once"),
        ]
        indexes = (models.Index(fields=("due_at",), condition=Q(sent_at__isnull=True), name="alerts_unsent"),)

    def __str__(self) -> str:
        return self.headline

    @property
    def outcome(self) -> str:
        if self.sent_at:
            return f"sent {self.sent_at:%Y-%m-%d %H:%M:%S}"
        tried = f" after {self.attempts} attempts: {self.error}" if self.attempts else ""
        return f"waiting{tried}" if self.due_at else f"given up{tried}"
