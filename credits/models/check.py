"""What the checks of the ledger found, and which are still to be made."""

from django.db import models


class LedgerCheck(models.Model):
    """Asked for by a person or by the schedule; the worker fills in the rest. `problems` None: not finished."""

    MOST_FINDINGS = 20

    asked_at = models.DateTimeField(auto_now_add=True)
    asked_by = models.CharField(max_length=200, help_text="user:N or task:NAME")
    finished_at = models.DateTimeField(null=True, blank=True)
    problems = models.PositiveIntegerField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True, help_text="The first problems, in words.")

    class Meta:
        db_table = "credits_ledger_checks"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M:%S}: {self.outcome}"

    @property
    def outcome(self) -> str:
        if self.problems is None:
            return "waiting"
        return f"{self.problems} problem{'' if self.problems == 1 else 's'}"
