"""Stripe's events, each kept once and applied once, and what nightly comparisons with Stripe's own lists found."""

from django.db import models
from django.db.models import Q


class StripeEvent(models.Model):
    """Inserted before it is applied. WAITING is retried (its purchase may not be known yet), REFUSED and FAILED are
    for a person to look at, IGNORED is about what is not sold here. UNKNOWN is of a type that this version has no use
    for; one that has takes it up.
    """

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        IGNORED = "ignored", "Of no concern"
        UNKNOWN = "unknown", "Of a type that is not known"
        WAITING = "waiting", "Waiting for its purchase"
        REFUSED = "refused", "Refused: it contradicts our books"
        FAILED = "failed", "Failed"

    id = models.CharField("ID", primary_key=True, max_length=255)
    type = models.CharField(max_length=120)
    livemode = models.BooleanField()
    created = models.DateTimeField(help_text="When it happened, by Stripe's clock.")
    payload = models.JSONField(help_text="What of the event is needed to apply it; nothing about the buyer.")
    payment_intent = models.CharField(
        "Stripe payment intent", max_length=255, blank=True, help_text="What it is about."
    )
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
            models.Index(fields=("payment_intent",), condition=Q(state="waiting"), name="stripe_event_of_payment"),
            models.Index(fields=("next_try_at",), condition=Q(next_try_at__isnull=False), name="stripe_event_due"),
            models.Index(fields=("received_at",), condition=Q(state="waiting"), name="stripe_event_waiting"),
            models.Index(fields=("type",), condition=Q(state="unknown"), name="stripe_event_unknown"),
        )

    def __str__(self) -> str:
        return self.id

    @property
    def is_finished(self) -> bool:
        """Nothing more comes of it by itself; one that was REFUSED may be tried again by hand."""
        return self.state in (self.State.APPLIED, self.State.IGNORED)


class StripeReconciliation(models.Model):
    """One comparison of the books with Stripe's lists. What could be applied was; `differences` are for a person."""

    MOST_DIFFERENCES = 500

    days = models.PositiveIntegerField()
    livemode = models.BooleanField()
    started_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)
    sessions = models.PositiveIntegerField(default=0)
    refunds = models.PositiveIntegerField(default=0)
    disputes = models.PositiveIntegerField(default=0)
    applied = models.JSONField(default=list, help_text="What Stripe knew and the books did not: applied now.")
    differences = models.JSONField(default=list)
    error = models.TextField(blank=True, help_text="Why it was not completed.")

    class Meta:
        db_table = "credits_stripe_reconciliations"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
