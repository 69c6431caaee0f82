"""What llm_usage_stats comes to without saying who called: so few rows that margins, and everybody's usage, over months
are read from them.

Written by gateway.usage alone, in the transaction that writes the others, whose sum it is at any moment.
"""

from typing import ClassVar

from django.db import models

from gateway.models.usage_stat import SUMS

__all__ = ["DIMENSIONS", "SUMS", "MarginStat"]

DIMENSIONS = ("day", "model", "tier", "provider", "power_level", "component", "environment")


class MarginStat(models.Model):
    """Each column is what it is in UsageStat."""

    day = models.DateField()
    model = models.CharField(max_length=200, blank=True)
    tier = models.CharField(max_length=16, blank=True)
    provider = models.CharField(max_length=60, blank=True)
    power_level = models.CharField(max_length=20, blank=True)
    component = models.CharField(max_length=100, blank=True)
    environment = models.CharField(max_length=10, blank=True)
    requests = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0, db_default=0)
    attempts = models.BigIntegerField(default=0, db_default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0, db_default=0)
    cache_write_tokens = models.BigIntegerField(default=0, db_default=0)
    completion_tokens = models.BigIntegerField(default=0)
    searches = models.BigIntegerField(default=0, db_default=0)
    own_key_requests = models.BigIntegerField(default=0, db_default=0)
    charged_nano = models.BigIntegerField(default=0)
    overrun_nano = models.BigIntegerField(default=0)
    expense_nano = models.BigIntegerField(default=0)
    cost_nano_usd = models.BigIntegerField(default=0)
    duration_ms = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "llm_margin_stats"
        constraints: ClassVar = [models.UniqueConstraint(fields=DIMENSIONS, name="margin_once_per_day_and_kind")]

    def __str__(self) -> str:
        return f"{self.day} {self.model or '–'} {self.tier}"
