"""Provider keys of the platform."""

from rest_framework import serializers

from llmconfig.models import ProviderKey
from llmconfig.serializers.fields import CheckIntervalField, SecretField
from llmconfig.serializers.operators import PartlyForOperators
from opscenter.core import secrets


class ProviderKeyIn(serializers.Serializer[ProviderKey]):
    provider = serializers.SlugField(max_length=60)
    key_name = serializers.CharField(max_length=100)
    api_key = SecretField()
    enabled = serializers.BooleanField(default=True)
    use_for_ops_center = serializers.BooleanField(default=True)
    grace_days = serializers.IntegerField(default=7, min_value=0, max_value=365)
    rotation_interval_days = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=3650)
    check_interval_s = CheckIntervalField()
    metadata = serializers.DictField(default=dict)


class ProviderKeyUpdateIn(ProviderKeyIn):
    """Left out, the stored key stays."""

    api_key = SecretField(required=False)


class ProviderKeyOut(PartlyForOperators):
    """`decrypts`: whether the key ring opens the stored key; null without one. `metadata` is null for who may only
    read."""

    for_operators = ("metadata",)
    metadata = serializers.DictField(read_only=True, allow_null=True)
    masked_key = serializers.CharField(read_only=True, allow_null=True)
    decrypts = serializers.SerializerMethodField()
    staged_key = serializers.SerializerMethodField()

    class Meta:
        model = ProviderKey
        fields = (
            "id",
            "provider",
            "key_name",
            "masked_key",
            "decrypts",
            "staged_key",
            "activates_at",
            "activation_refusal",
            "grace_days",
            "rotation_interval_days",
            "rotation_due_at",
            "owner",
            "enabled",
            "use_for_ops_center",
            "check_interval_s",
            "last_used",
            "requests_count",
            "tokens_used",
            "cost_usd",
            "metadata",
            "created_by",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_decrypts(self, row: ProviderKey) -> bool | None:
        return secrets.is_readable(row.encrypted_key, owner=row) if row.encrypted_key else None

    def get_staged_key(self, row: ProviderKey) -> str | None:
        return row.staged_key.masked if row.staged_key else None
