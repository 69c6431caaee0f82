"""Provider keys of the platform."""

from rest_framework import serializers

from llmconfig.models import ProviderKey
from llmconfig.serializers.fields import MetadataField, SecretField


class ProviderKeyIn(serializers.Serializer[ProviderKey]):
    provider = serializers.SlugField(max_length=60)
    key_name = serializers.CharField(max_length=100)
    api_key = SecretField()
    enabled = serializers.BooleanField(default=True)
    use_for_ops_center = serializers.BooleanField(default=True)
    metadata = MetadataField(default=dict)


class ProviderKeyUpdateIn(ProviderKeyIn):
    """Left out, the stored key stays."""

    api_key = SecretField(required=False)


class ProviderKeyOut(serializers.ModelSerializer[ProviderKey]):
    masked_key = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = ProviderKey
        fields = (
            "id",
            "provider",
            "key_name",
            "masked_key",
            "owner",
            "enabled",
            "use_for_ops_center",
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
