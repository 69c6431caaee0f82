"""Provider keys of consumers' own, as their owners see them. A key itself is written and never read."""

from typing import Any

from rest_framework import serializers

from llmconfig import own_keys
from llmconfig.models import ProviderHealth, ProviderKey
from llmconfig.serializers.fields import SecretField
from llmconfig.serializers.servers import ProbeOut
from opscenter.core import secrets

_ALONE = "Calls go to no key of the platform's where this one can't answer. False: they may, and cost credits then."


class OwnKeyIn(serializers.Serializer[ProviderKey]):
    provider = serializers.SlugField(max_length=60, help_text="One of GET /api/v1/llm/providers/available.")
    api_key = SecretField()
    key_name = serializers.CharField(max_length=100, default="main")
    byok_only = serializers.BooleanField(default=True, help_text=_ALONE)


class OwnKeyChangeIn(serializers.Serializer[ProviderKey]):
    key_name = serializers.CharField(max_length=100)
    enabled = serializers.BooleanField()
    byok_only = serializers.BooleanField(help_text=_ALONE)


class OwnKeyRotateIn(serializers.Serializer[ProviderKey]):
    api_key = SecretField()


class AvailableProviderOut(serializers.Serializer[Any]):
    provider = serializers.CharField(source="slug")
    name = serializers.CharField()


class OwnKeyHealthOut(serializers.ModelSerializer[ProviderHealth]):
    class Meta:
        model = ProviderHealth
        fields = ("status", "checked_at", "message")
        read_only_fields = fields


class OwnKeyOut(serializers.ModelSerializer[ProviderKey]):
    """`unused_because` says why no call uses the key; empty where calls do. The context has the owner's `tier`."""

    provider_name = serializers.CharField(source="known_provider.name", read_only=True)
    masked_key = serializers.CharField(read_only=True, allow_null=True)
    unused_because = serializers.SerializerMethodField()
    health = OwnKeyHealthOut(source="provider_health", read_only=True, allow_null=True, default=None)

    class Meta:
        model = ProviderKey
        fields = (
            "id",
            "provider",
            "provider_name",
            "key_name",
            "masked_key",
            "enabled",
            "blocked",
            "byok_only",
            "unused_because",
            "health",
            "last_used",
            "requests_count",
            "tokens_used",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_unused_because(self, row: ProviderKey) -> str:
        tier = self.context["tier"]
        if row.blocked:
            return "An operator has blocked it."
        if not own_keys.may_use(tier):
            return f"Keys of your own are used from the tier {own_keys.LOWEST_TIER.value} on; yours is {tier}."
        if not row.enabled:
            return "It is disabled."
        if row.encrypted_key is None or not secrets.is_readable(row.encrypted_key, owner=row):
            return "It can't be read any more: rotate it."
        return ""


class OwnKeyTestedOut(serializers.Serializer[Any]):
    """`probe` is what the provider said."""

    key = OwnKeyOut()
    probe = ProbeOut()
