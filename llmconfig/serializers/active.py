"""Active providers: pointers as they are written, providers nested as they are read."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from llmconfig.models import ActiveProvider, AIServer, ProviderKey, Purpose
from llmconfig.serializers.api_keys import ProviderKeyOut
from llmconfig.serializers.fields import ModelChoiceField, ProviderIdField, ProviderTypeField
from llmconfig.serializers.servers import AIServerOut
from llmconfig.services.pointers import type_of

_PROVIDER = PolymorphicProxySerializer(
    component_name="ActiveProviderTarget",
    serializers=[AIServerOut, ProviderKeyOut],
    resource_type_field_name=None,
    allow_null=True,
)


class ActiveProviderIn(serializers.Serializer[ActiveProvider]):
    purpose = ModelChoiceField(Purpose)
    provider_type = ProviderTypeField()
    provider_id = ProviderIdField()
    default_model = serializers.CharField(max_length=300, allow_blank=True, default="")
    fallback_provider_type = ProviderTypeField(allow_null=True, default=None)
    fallback_provider_id = ProviderIdField(allow_null=True, default=None)
    fallback_model = serializers.CharField(max_length=300, allow_blank=True, allow_null=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["fallback_provider_type"] is None) != (attrs["fallback_provider_id"] is None):
            raise serializers.ValidationError(
                {"fallback_provider_id": "fallback_provider_type and fallback_provider_id go together."}
            )
        return attrs


class ActiveProviderOut(serializers.ModelSerializer[ActiveProvider]):
    provider_type = serializers.SerializerMethodField()
    provider_id = serializers.IntegerField(source="primary.pk", read_only=True)
    provider = serializers.SerializerMethodField()
    fallback_provider_type = serializers.SerializerMethodField()
    fallback_provider_id = serializers.IntegerField(source="fallback.pk", read_only=True, allow_null=True)
    fallback_provider = serializers.SerializerMethodField()

    class Meta:
        model = ActiveProvider
        fields = (
            "purpose",
            "provider_type",
            "provider_id",
            "provider",
            "default_model",
            "fallback_provider_type",
            "fallback_provider_id",
            "fallback_provider",
            "fallback_model",
            "updated_by",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_provider_type(self, active: ActiveProvider) -> str | None:
        return _type(active.primary)

    def get_fallback_provider_type(self, active: ActiveProvider) -> str | None:
        return _type(active.fallback)

    @extend_schema_field(_PROVIDER)
    def get_provider(self, active: ActiveProvider) -> dict[str, Any] | None:
        return self._nested(active.primary)

    @extend_schema_field(_PROVIDER)
    def get_fallback_provider(self, active: ActiveProvider) -> dict[str, Any] | None:
        return self._nested(active.fallback)

    def _nested(self, provider: AIServer | ProviderKey | None) -> dict[str, Any] | None:
        if provider is None:
            return None
        shown = AIServerOut if isinstance(provider, AIServer) else ProviderKeyOut
        return shown(provider, context=self.context).data


def _type(provider: AIServer | ProviderKey | None) -> str | None:
    return type_of(provider) if provider else None
