"""What was asked and what came of it: a row per request and per attempt, without prompts and answers.

Plain numbers instead of foreign keys, because on PostgreSQL both tables are partitioned by month and dropped by
month. `created_at` is the request's start; the id is a UUIDv7, also the hold's.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class RequestRow(models.Model):
    """One call of a consumer. Credits are nanocredits; `billing_basis` says what the bill rests on.

    A composed call has a row, and so has each of its inner calls, which knows it by `parent_id`: these bear tokens,
    attempts and what was charged; of each `held_nano` is what was left for it.

    What the operator bears: `overrun_nano` of the price, beyond what was held, `expense_nano`, at cost, of what failed
    upstream. `cost_nano_usd` is what providers are owed in all, in nanodollars.
    """

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"
        DISCONNECTED = "disconnected", "Client went away"
        LOST = "lost", "Worker died"

    class Basis(models.TextChoices):
        PROVIDER = "provider", "Provider's usage"
        COUNTED = "counted", "Counted output"
        CHECKPOINT = "checkpoint", "Last checkpoint"
        FREE = "free", "Free"
        BYOK = "byok", "Own provider key"
        VOID = "void", "Nothing charged"

    id = models.UUIDField("ID", primary_key=True)
    created_at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    virtual_key_id = models.BigIntegerField(null=True)
    client_request_id = models.CharField("client request ID", max_length=128, blank=True)
    endpoint = models.CharField(max_length=60)
    tier = models.CharField(max_length=16, blank=True)
    power_level = models.CharField(max_length=20, blank=True)
    environment = models.CharField(max_length=10, blank=True)
    component = models.CharField(max_length=100, blank=True)
    operation = models.CharField(max_length=100, blank=True)
    routing_path = models.CharField(max_length=100, blank=True)
    requested_model = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=60, blank=True)
    streamed = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=Status)
    http_status = models.PositiveSmallIntegerField("HTTP status", null=True)
    error_code = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    searches = models.PositiveIntegerField(default=0, db_default=0)
    billing_basis = models.CharField(max_length=12, choices=Basis)
    held_nano = models.BigIntegerField(default=0)
    charged_nano = models.BigIntegerField(default=0)
    overrun_nano = models.BigIntegerField(default=0)
    expense_nano = models.BigIntegerField(default=0)
    cost_nano_usd = models.BigIntegerField(default=0)
    rates = models.JSONField(default=dict)
    duration_ms = models.PositiveIntegerField("duration (ms)", default=0)
    first_token_ms = models.PositiveIntegerField("first token (ms)", null=True)
    overhead_ms = models.FloatField("overhead (ms)", default=0)
    parent_id = models.UUIDField("part of", null=True, editable=False)

    class Meta:
        db_table = "llm_requests"
        ordering = ("-created_at",)
        verbose_name = "request"
        indexes: ClassVar = [
            models.Index(fields=("id",), name="request_by_id"),
            models.Index(fields=("created_at",), name="request_by_time"),
            models.Index(fields=("user_id", "created_at"), name="request_by_user"),
            models.Index(fields=("virtual_key_id", "created_at"), name="request_by_key"),
            # Of what is looked for by its outcome; a call that succeeds costs nothing for it.
            models.Index(fields=("status", "created_at"), condition=~Q(status="succeeded"), name="request_by_outcome"),
            models.Index(fields=("parent_id",), condition=Q(parent_id__isnull=False), name="request_by_parent"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_borne_by_parts(self) -> bool:
        """Whether its tokens and its charge are in the rows of its inner calls."""
        is_charged = self.billing_basis != self.Basis.VOID and self.status != self.Status.LOST
        return is_charged and not self.attempts and self.parent_id is None


class AttemptRow(models.Model):
    """One upstream call of a request; `n` counts from 1. `rates` are those it would be billed at, `cost_usd` is what
    the provider is owed for it.
    """

    class UsageSource(models.TextChoices):
        PROVIDER = "provider", "Provider"
        COUNTED = "counted", "Counted"
        NONE = "none", "None"

    id = models.UUIDField("ID", primary_key=True)
    created_at = models.DateTimeField()
    request_id = models.UUIDField()
    n = models.PositiveSmallIntegerField("No.")
    target = models.CharField(max_length=200)
    deployment_id = models.BigIntegerField(null=True)
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=60)
    transport = models.CharField(max_length=10)
    provider_key_id = models.BigIntegerField(null=True)
    price_id = models.BigIntegerField(null=True)
    rates = models.JSONField(default=dict)
    outcome = models.CharField(max_length=40)
    upstream_status = models.PositiveSmallIntegerField("upstream HTTP status", null=True)
    message = models.CharField(max_length=500, blank=True)
    usage_source = models.CharField(max_length=10, choices=UsageSource, default=UsageSource.NONE)
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    searches = models.PositiveIntegerField(default=0, db_default=0)
    cost_usd = models.DecimalField("cost (USD)", max_digits=15, decimal_places=9, default=0)
    duration_ms = models.PositiveIntegerField("duration (ms)", default=0)

    class Meta:
        db_table = "llm_attempts"
        ordering: ClassVar = ["-created_at", "n"]
        verbose_name = "attempt"
        indexes: ClassVar = [
            models.Index(fields=("request_id",), name="attempt_by_request"),
            models.Index(fields=("created_at",), name="attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} #{self.n}"
