"""Months whose requests and attempts are no longer kept. Written by gateway.usage.pruning as it deletes."""

from django.db import models


class PrunedMonth(models.Model):
    """`requests` is how many there were; their sums stay in llm_usage_stats, and their money in the ledger."""

    month = models.DateField(unique=True, help_text="Its first day, in UTC.")
    requests = models.BigIntegerField()
    pruned_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "llm_pruned_months"
        ordering = ("-month",)
        verbose_name = "pruned month"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
