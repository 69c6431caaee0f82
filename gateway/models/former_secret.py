"""Secrets that were replaced by a rotation and still work for a while, beside the key's own."""

from typing import Self

from django.db import models
from django.utils import timezone

from gateway.models.virtual_key import VirtualKey


class FormerSecretQuerySet(models.QuerySet["FormerSecret"]):
    def live(self) -> Self:
        return self.filter(expires_at__gt=timezone.now())


class FormerSecret(models.Model):
    """`secret_hash` as in VirtualKey. The key's own end, and its revocation, end it too."""

    key = models.ForeignKey(VirtualKey, on_delete=models.CASCADE, related_name="former_secrets")
    secret_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FormerSecretQuerySet.as_manager()

    class Meta:
        db_table = "llm_former_secrets"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"a former secret of {self.key_id}"
