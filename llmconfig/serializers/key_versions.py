"""The versions of a provider key, and what replaces one by another."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from llmconfig.models import ProviderKey
from llmconfig.serializers.api_keys import ProviderKeyOut
from llmconfig.serializers.fields import SecretField
from llmconfig.serializers.servers import ProbeOut
from opscenter.core import secrets
from opscenter.core.models import Secret


class KeyVersionOut(serializers.ModelSerializer[Secret]):
    """`decrypts`: whether the key ring opens it; null for what was revoked, which is erased."""

    masked_key = serializers.CharField(source="masked", read_only=True)
    decrypts = serializers.SerializerMethodField()
    activates_at = serializers.SerializerMethodField()
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)

    class Meta:
        model = Secret
        fields = (
            "number",
            "state",
            "masked_key",
            "decrypts",
            "created_at",
            "created_by",
            "activates_at",
            "activated_at",
            "retired_at",
            "kept_until",
        )
        read_only_fields = fields

    @property
    def key(self) -> ProviderKey:
        found: ProviderKey = self.context["key"]
        return found

    def get_decrypts(self, version: Secret) -> bool | None:
        return None if version.state == Secret.State.REVOKED else secrets.is_readable(version, owner=self.key)

    def get_activates_at(self, version: Secret) -> datetime | None:
        return self.key.activates_at if version.pk == self.key.staged_key_id else None


class ForceIn(serializers.Serializer[object]):
    force = serializers.BooleanField(
        default=False, help_text="Also if the provider refuses the key or gives no answer."
    )


class RotateIn(ForceIn):
    api_key = SecretField()
    stage_only = serializers.BooleanField(
        default=False, help_text="Keep it beside the one in use until it is activated."
    )
    activates_at = serializers.DateTimeField(
        default=None, allow_null=True, help_text="Stage it, and put it into use at this time."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["activates_at"] is not None and attrs["activates_at"] <= timezone.now():
            raise serializers.ValidationError({"activates_at": "That time has passed: leave it out to rotate at once."})
        return attrs


class TriedOut(serializers.Serializer[object]):
    """The key as it is now, and what its provider said to the version that was tried."""

    key = ProviderKeyOut()
    probe = ProbeOut()
