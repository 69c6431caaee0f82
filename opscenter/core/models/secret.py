"""Encrypted secrets, one row per version; read and written by core.secrets alone."""

from typing import ClassVar

from django.db import models

from opscenter.core.ids import uuid7


class Secret(models.Model):
    """A secret of the row `entity_id` in the table `entity_type`.

    The ciphertext holds the secret's own id and the row it belongs to, so that one moved elsewhere is refused.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=64)
    number = models.PositiveIntegerField(help_text="1 for an entity's first secret, counting up")
    ciphertext = models.BinaryField()
    masked = models.CharField(max_length=16)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_id = models.BigIntegerField(null=True, blank=True)

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
        ]

    def __str__(self) -> str:
        return self.masked
