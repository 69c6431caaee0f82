"""Stripe's events, as they came: each kept once, signed, and applied once."""

from django.db import models
from django.db.models import Q


class StripeEvent(models.Model):
    """Inserted before it is applied. WAITING is retried (its purchase may not be known yet), REFUSED and FAILED are
    for a person to look at, IGNORED is of a type that moves no credits.
    """

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        IGNORED = "ignored", "Of no concern"
        WAITING = "waiting", "Waiting for its purchase"
        REFUSED = "refused", "Refused: it contradicts our books"
        FAILED = "failed", "Failed"

    id = models.CharField("ID", primary_key=True, max_length=255)
    type = models.CharField(max_length=120)
    livemode = models.BooleanField()
    created = models.DateTimeField(help_text="When it happened, by Stripe's clock.")
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    next_try_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "credits_stripe_events"
        ordering = ("-received_at",)
        indexes = (
            models.Index(fields=("received_at",), name="stripe_event_by_time"),
            models.Index(fields=("next_try_at",), condition=Q(next_try_at__isnull=False), name="stripe_event_due"),
        )

    def __str__(self) -> str:
        return self.id
