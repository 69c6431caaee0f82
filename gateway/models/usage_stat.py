"""What calls came to, per day and per everything that is asked about: the sums of llm_requests, kept as they grow.

Written by gateway.usage.rollup alone, in the transaction that writes the requests' rows; so it is their sum at any
moment, and stays when their partitions are dropped. Plain numbers for the same reason as there; 0 stands for none.
"""

from typing import ClassVar

from django.db import models

DIMENSIONS = (
    *("day", "account_id", "user_id", "virtual_key_id"),
    *("tier", "power_level", "model", "provider", "component", "environment"),
)
SUMS = (
    *("requests", "failed", "refused", "attempts"),
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches", "own_key_requests"),
    *("charged_nano", "overrun_nano", "expense_nano", "cost_nano_usd", "duration_ms"),
)


class UsageStat(models.Model):
    """`failed` counts calls that failed upstream or whose worker died; `day` is the UTC day on which they began."""

    day = models.DateField()
    account_id = models.BigIntegerField("account ID")
    user_id = models.BigIntegerField("user ID")
    virtual_key_id = models.BigIntegerField("virtual key ID")
    tier = models.CharField(max_length=16, blank=True)
    power_level = models.CharField(max_length=20, blank=True)
    model = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=60, blank=True)
    component = models.CharField(max_length=100, blank=True)
    environment = models.CharField(max_length=10, blank=True)
    requests = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    attempts = models.BigIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    searches = models.BigIntegerField(default=0, db_default=0)
    own_key_requests = models.BigIntegerField(
        default=0, db_default=0, help_text="Calls that a consumer's own provider key answered."
    )
    charged_nano = models.BigIntegerField(default=0, help_text="Nanocredits that consumers paid.")
    overrun_nano = models.BigIntegerField(default=0, help_text="Nanocredits beyond what was held: the operator's.")
    expense_nano = models.BigIntegerField(default=0, help_text="Nanocredits, at cost, of what failed upstream.")
    cost_nano_usd = models.BigIntegerField(default=0, help_text="Nanodollars that providers are owed.")
    duration_ms = models.BigIntegerField("duration (ms)", default=0)

    class Meta:
        db_table = "llm_usage_stats"
        ordering = ("-day", "id")
        verbose_name = "usage of a day"
        verbose_name_plural = "usage per day"
        indexes: ClassVar = [
            models.Index(fields=("user_id", "day"), name="usage_by_user"),
            models.Index(fields=("virtual_key_id", "day"), name="usage_by_key"),
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=DIMENSIONS, name="usage_once_per_day_and_kind")]

    def __str__(self) -> str:
        return f"{self.day} {self.model or '–'} {self.tier}"
