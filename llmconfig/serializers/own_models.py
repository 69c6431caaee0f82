"""Personal models: without price, tier and limits, which are the platform's affair."""

from typing import Any

from rest_framework import serializers

from llmconfig.models import Deployment, LLMModel, Purpose
from llmconfig.serializers.fields import ModelChoiceField, ProviderIdField
from llmconfig.services.pointers import API_KEY, PROVIDER_TYPES


class OwnDeploymentIn(serializers.Serializer[Deployment]):
    provider_type = serializers.ChoiceField(choices=PROVIDER_TYPES, default=API_KEY)
    provider_id = ProviderIdField(help_text="Of a provider key of yours.")
    upstream_model = serializers.CharField(max_length=300)
    priority = serializers.IntegerField(min_value=0, max_value=32767, default=0)
    weight = serializers.IntegerField(min_value=1, max_value=32767, default=1)
    timeout_s = serializers.IntegerField(min_value=1, max_value=86_400, default=600)
    transport = ModelChoiceField(Deployment.Transport, default="auto")
    max_tokens_param = ModelChoiceField(Deployment.MaxTokensParam, allow_blank=True, default="")
    enabled = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Inside a PATCH nothing is required of the model, but a deployment in its list is always whole.
        missing = {"provider_id", "upstream_model"} - set(attrs)
        if missing:
            raise serializers.ValidationError(dict.fromkeys(sorted(missing), "This field is required."))
        return {"provider_type": API_KEY, **attrs}


class OwnModelIn(serializers.Serializer[LLMModel]):
    name = serializers.CharField(max_length=200)
    purpose = ModelChoiceField(Purpose, default="chat")
    use_case_tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50, default=list)
    context_window = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    max_output_tokens = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    latency_class = ModelChoiceField(LLMModel.LatencyClass, default="medium")
    strategy = ModelChoiceField(LLMModel.Strategy, default="weighted")
    enabled = serializers.BooleanField(default=True)
    deployments = OwnDeploymentIn(many=True, required=False, max_length=20)  # type: ignore[call-arg]  # the list's
