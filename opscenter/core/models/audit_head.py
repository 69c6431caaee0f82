"""Where the audit log's chain ends; written by core.audit_chain alone."""

from django.db import models


class AuditHead(models.Model):
    """The one row (id 1). `seal` encloses number and hash under the key ring, bound to this row.

    `checked_at` and `problems` are what the last check of the whole chain found; null before the first.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)
    entry_hash = models.CharField(max_length=64, blank=True, default="")
    seal = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    problems = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "core_audit_head"
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one_row"),)

    def __str__(self) -> str:
        return f"{self.number}:{self.entry_hash}"
