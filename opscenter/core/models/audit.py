"""Who changed what: written by core.audit alone, never changed, never deleted."""

from typing import Any

from django.db import models
from django.utils import timezone


class AuditEntry(models.Model):
    """One change. `changes` is {"before": {...}, "after": {...}} of the changed fields, secrets masked, and where it
    sets an entry back its number as "reverts".

    The database refuses UPDATE, DELETE and TRUNCATE. `number` is the entry's place in the hash chain, counted from 1
    without a gap; one without a number was written past core.audit. User ids are plain numbers, because a foreign key
    would have to change the row with its user.
    """

    number = models.PositiveBigIntegerField(null=True, unique=True, editable=False)
    action = models.CharField(max_length=40)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=64)
    user_id = models.BigIntegerField(null=True, blank=True)
    source = models.CharField(max_length=60, help_text="admin, api, command:NAME or task:NAME")
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField("request ID", max_length=64, blank=True)
    changes = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    entry_hash = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "llm_config_audit"
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = (
            models.Index(fields=("entity_type", "entity_id", "id"), name="audit_by_entity"),
            models.Index(fields=("user_id", "id"), name="audit_by_user"),
            models.Index(fields=("created_at",), name="audit_by_time"),
            models.Index(fields=("request_id",), name="audit_by_request"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"

    @property
    def before(self) -> dict[str, Any]:
        return self._side("before")

    @property
    def after(self) -> dict[str, Any]:
        return self._side("after")

    @property
    def reverts(self) -> int | None:
        number = self.changes.get("reverts") if isinstance(self.changes, dict) else None
        return number if isinstance(number, int) else None

    def _side(self, name: str) -> dict[str, Any]:
        """Empty where what was written past core.audit has no such thing: the log stays readable."""
        found = self.changes.get(name) if isinstance(self.changes, dict) else None
        return found if isinstance(found, dict) else {}
