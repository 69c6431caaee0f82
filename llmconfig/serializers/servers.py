"""AI servers and what a test of one says."""

from rest_framework import serializers

from llmconfig.models import AIServer
from llmconfig.serializers.fields import CheckIntervalField, ModelChoiceField, SecretField
from llmconfig.serializers.operators import PartlyForOperators
from opscenter.core import secrets


class AIServerIn(serializers.Serializer[AIServer]):
    name = serializers.CharField(max_length=100)
    server_type = ModelChoiceField(AIServer.ServerType)
    base_url = serializers.CharField(max_length=500)
    api_key = SecretField(required=False, allow_blank=True, allow_null=True)
    model_path = serializers.CharField(max_length=300, allow_blank=True, default="")
    enabled = serializers.BooleanField(default=True)
    use_for_chat = serializers.BooleanField(default=True)
    use_for_embeddings = serializers.BooleanField(default=False)
    use_for_reranking = serializers.BooleanField(default=False)
    check_interval_s = CheckIntervalField()
    metadata = serializers.DictField(default=dict)


class AIServerOut(PartlyForOperators):
    """`decrypts`: whether the key ring opens the stored key; null without one. `base_url` and `metadata` are null for
    who may only read."""

    for_operators = ("base_url", "metadata")
    base_url = serializers.CharField(read_only=True, allow_null=True)
    metadata = serializers.DictField(read_only=True, allow_null=True)
    masked_key = serializers.CharField(read_only=True, allow_null=True)
    decrypts = serializers.SerializerMethodField()

    class Meta:
        model = AIServer
        fields = (
            "id",
            "name",
            "server_type",
            "base_url",
            "masked_key",
            "decrypts",
            "model_path",
            "enabled",
            "use_for_chat",
            "use_for_embeddings",
            "use_for_reranking",
            "check_interval_s",
            "last_health_check",
            "health_status",
            "metadata",
            "created_by",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_decrypts(self, row: AIServer) -> bool | None:
        return secrets.is_readable(row.api_key, owner=row) if row.api_key else None


class ProbeOut(serializers.Serializer[object]):
    """What a test found; `message` is a sentence for people."""

    status = serializers.ChoiceField(choices=AIServer.Health.choices)
    latency_ms = serializers.IntegerField(allow_null=True)
    models = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField()


class ServedModelsOut(serializers.Serializer[object]):
    """The ids that the server lists right now."""

    models = serializers.ListField(child=serializers.CharField())
