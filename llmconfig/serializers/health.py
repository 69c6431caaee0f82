"""How providers are, as they are read."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from llmconfig.models import ProviderHealth
from llmconfig.models.health import Status
from llmconfig.serializers.operators import PartlyForOperators
from llmconfig.services.pointers import PROVIDER_TYPES, type_of


class ProviderHealthOut(PartlyForOperators):
    """`provider_type` and `provider_id` are null for the LiteLLM proxy; `uptime_24h` is in percent of the checks.
    `message` is null for who may only read."""

    for_operators = ("message",)
    message = serializers.CharField(read_only=True, allow_null=True)
    provider_type = serializers.SerializerMethodField()
    provider_id = serializers.SerializerMethodField()
    name = serializers.CharField(source="__str__", read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    uptime_24h = serializers.SerializerMethodField()

    class Meta:
        model = ProviderHealth
        fields = (
            "id",
            "provider_type",
            "provider_id",
            "name",
            "status",
            "since",
            "checked_at",
            "due_at",
            "latency_ms",
            "message",
            "uptime_24h",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=PROVIDER_TYPES, allow_null=True))
    def get_provider_type(self, row: ProviderHealth) -> str | None:
        return type_of(row.provider) if row.provider else None

    def get_provider_id(self, row: ProviderHealth) -> int | None:
        return row.server_id or row.key_id

    def get_uptime_24h(self, row: Any) -> float | None:
        share = self.context["uptimes"][row.pk].share
        return None if share is None else round(float(share), 2)
