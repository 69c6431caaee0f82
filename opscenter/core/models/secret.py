"""Encrypted secrets, one row per version; read and written by core.secrets alone."""

from datetime import datetime
from typing import ClassVar

from django.db import models

from opscenter.core.ids import uuid7


class Secret(models.Model):
    """A secret of the row `entity_id` in the table `entity_type`.

    The ciphertext holds the secret's own id and the row it belongs to, so that one moved elsewhere is refused. It is
    empty once the secret is revoked.
    """

    class State(models.TextChoices):
        STAGED = "staged", "Staged"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"
        REVOKED = "revoked", "Revoked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=64)
    number = models.PositiveIntegerField(help_text="1 for an entity's first secret, counting up")
    ciphertext = models.BinaryField()
    masked = models.CharField(max_length=16)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_id = models.BigIntegerField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    kept_until = models.DateTimeField(
        null=True, blank=True, help_text="When a retired secret is revoked; empty: it is kept for good."
    )

    class Meta:
        db_table = "core_secrets"
        ordering = ("entity_type", "entity_id", "-number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("entity_type", "entity_id", "number"), name="secret_number_once"),
            models.UniqueConstraint(
                fields=("entity_type", "entity_id"),
                condition=models.Q(state="active"),
                name="secret_one_active",
            ),
            models.UniqueConstraint(
                fields=("entity_type", "entity_id"),
                condition=models.Q(state="staged"),
                name="secret_one_staged",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["staged", "active", "retired", "revoked"]), name="secret_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="revoked") | models.Q(ciphertext=b""), name="secret_revoked_is_erased"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("kept_until",), condition=models.Q(state="retired"), name="secret_kept_until")
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def label(self) -> str:
        """Which version it is and what it ends with, for the audit log and for people."""
        return f"{self.masked} (version {self.number})"

    @property
    def in_use_since(self) -> datetime:
        """Of an active one. What was sealed before activations were noted was active at once."""
        return self.activated_at or self.created_at
