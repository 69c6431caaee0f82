"""Calls that came with an Idempotency-Key, and their answers: the one place where an answer is kept, sealed."""

from typing import ClassVar

from django.db import models


class IdempotentCall(models.Model):
    """What one virtual key has sent under one Idempotency-Key. Its state is that of the hold `request_id`.

    `answer` is what gateway.once keeps, enclosed by core.secrets for this row; empty until the answer is whole.
    """

    virtual_key_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of the path and the body.")
    request_id = models.UUIDField("request ID", help_text="Whose call this is, and whose hold.")
    claimed_at = models.DateTimeField()
    answer = models.TextField(blank=True, default="")

    class Meta:
        db_table = "gateway_idempotent_calls"
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("virtual_key_id", "key"), name="idempotent_call_once_per_key")
        ]
        indexes = (models.Index(fields=("claimed_at",), name="idempotent_calls_by_age"),)

    def __str__(self) -> str:
        return str(self.request_id)
