"""The platform's key of each provider."""

from typing import Any

from rest_framework import serializers

from llmconfig.models import ProviderKey
from llmconfig.serializers.fields import SecretField

SOURCES = (("database", "Set by an operator"), ("environment", "Taken over from the environment"))


class PlatformKeyIn(serializers.Serializer[ProviderKey]):
    api_key = SecretField()


class PlatformKeyOut(serializers.Serializer[Any]):
    """Everything but provider, name and is_set is null of one that was never set."""

    provider = serializers.CharField()
    name = serializers.CharField(help_text="The provider's.")
    is_set = serializers.BooleanField()
    id = serializers.IntegerField(allow_null=True, help_text="Of the row in api-keys.")
    key_name = serializers.CharField(allow_null=True)
    masked_key = serializers.CharField(allow_null=True)
    source = serializers.ChoiceField(choices=SOURCES, allow_null=True)  # type: ignore[assignment]  # a field, by its name
    enabled = serializers.BooleanField(allow_null=True)
    last_used = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)


class DecryptedKeyOut(serializers.Serializer[Any]):
    api_key = serializers.CharField()
    source = serializers.ChoiceField(choices=SOURCES)  # type: ignore[assignment]  # a field, by its name
