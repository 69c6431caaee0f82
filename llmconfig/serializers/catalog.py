"""Models with their price and deployments, and deployments alone."""

from typing import Any

from rest_framework import serializers

from llmconfig.models import Deployment, LLMModel, Price, Purpose
from llmconfig.serializers.fields import ModelChoiceField, PriceField, ProviderIdField, ProviderTypeField
from llmconfig.services.pointers import type_of
from opscenter.core.tiers import Tier

_RATE_FIELDS = ("input_price", "cached_input_price", "cache_write_price", "output_price", "search_price")


class RatesIn(serializers.Serializer[Price]):
    """USD per 1M tokens, `search_price` USD per search; null rates are the input price."""

    input_price = PriceField(required=False)
    cached_input_price = PriceField(required=False)
    cache_write_price = PriceField(required=False)
    output_price = PriceField(required=False)
    search_price = PriceField(required=False)


class NestedDeploymentIn(RatesIn):
    provider_type = ProviderTypeField()
    provider_id = ProviderIdField()
    upstream_model = serializers.CharField(max_length=300)
    priority = serializers.IntegerField(min_value=0, max_value=32767, default=0)
    weight = serializers.IntegerField(min_value=1, max_value=32767, default=1)
    rpm = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    tpm = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    concurrency = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    timeout_s = serializers.IntegerField(min_value=1, max_value=86_400, default=600)
    transport = ModelChoiceField(Deployment.Transport, default="auto")
    max_tokens_param = ModelChoiceField(Deployment.MaxTokensParam, allow_blank=True, default="")
    privacy = ModelChoiceField(LLMModel.Privacy, allow_blank=True, default="")
    enabled = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.parent is not None:
            # Inside a PATCH nothing is required of the model, but a deployment in its list is always whole.
            missing = {"provider_type", "provider_id", "upstream_model"} - set(attrs)
            if missing:
                raise serializers.ValidationError(dict.fromkeys(sorted(missing), "This field is required."))
        return attrs


class DeploymentIn(NestedDeploymentIn):
    model = serializers.PrimaryKeyRelatedField(queryset=LLMModel.objects.platform())


class DeploymentUpdateIn(NestedDeploymentIn):
    """`model` may be repeated, not changed."""

    model = serializers.PrimaryKeyRelatedField(queryset=LLMModel.objects.platform(), required=False)


class LLMModelIn(RatesIn):
    name = serializers.CharField(max_length=200)
    purpose = ModelChoiceField(Purpose, default="chat")
    tier = ModelChoiceField(Tier, default="free")
    use_case_tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50, default=list)
    context_window = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    max_output_tokens = serializers.IntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    quality_score = serializers.DecimalField(
        max_digits=3, decimal_places=2, min_value=0, max_value=1, allow_null=True, default=None
    )
    latency_class = ModelChoiceField(LLMModel.LatencyClass, default="medium")
    privacy = ModelChoiceField(LLMModel.Privacy, required=False)
    strategy = ModelChoiceField(LLMModel.Strategy, default="weighted")
    enabled = serializers.BooleanField(default=True)
    deployments = NestedDeploymentIn(many=True, required=False)


class NestedDeploymentOut(serializers.ModelSerializer[Deployment]):
    """`input_price` and so on are the deployment's own; null without one, then the model's price applies."""

    provider_type = serializers.SerializerMethodField()
    provider_id = serializers.IntegerField(source="provider.pk", read_only=True)
    provider_name = serializers.CharField(source="provider.__str__", read_only=True)
    max_tokens_param = ModelChoiceField(Deployment.MaxTokensParam, allow_blank=True, read_only=True)
    privacy = ModelChoiceField(LLMModel.Privacy, allow_blank=True, read_only=True)
    input_price = PriceField(source="own_price.input_price", read_only=True)
    cached_input_price = PriceField(source="own_price.cached_input_price", read_only=True)
    cache_write_price = PriceField(source="own_price.cache_write_price", read_only=True)
    output_price = PriceField(source="own_price.output_price", read_only=True)
    search_price = PriceField(source="own_price.search_price", read_only=True)
    price_number = serializers.IntegerField(source="own_price.number", read_only=True, allow_null=True)

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            "id",
            "provider_type",
            "provider_id",
            "provider_name",
            "upstream_model",
            "priority",
            "weight",
            "rpm",
            "tpm",
            "concurrency",
            "timeout_s",
            "transport",
            "max_tokens_param",
            "privacy",
            "enabled",
            *_RATE_FIELDS,
            "price_number",
            "version",
        )
        read_only_fields = fields

    def get_provider_type(self, deployment: Deployment) -> str:
        return type_of(deployment.provider)


class DeploymentOut(NestedDeploymentOut):
    model_name = serializers.CharField(source="model.name", read_only=True)

    class Meta(NestedDeploymentOut.Meta):
        fields = ("model", "model_name", *NestedDeploymentOut.Meta.fields, "created_at", "updated_at")
        read_only_fields = fields


class LLMModelOut(serializers.ModelSerializer[LLMModel]):
    input_price = PriceField(source="price.input_price", read_only=True)
    cached_input_price = PriceField(source="price.cached_input_price", read_only=True)
    cache_write_price = PriceField(source="price.cache_write_price", read_only=True)
    output_price = PriceField(source="price.output_price", read_only=True)
    search_price = PriceField(source="price.search_price", read_only=True)
    price_number = serializers.IntegerField(source="price.number", read_only=True, allow_null=True)
    deployments = NestedDeploymentOut(many=True, read_only=True)

    class Meta:
        model = LLMModel
        fields = (
            "id",
            "name",
            "owner",
            "purpose",
            "tier",
            "use_case_tags",
            "context_window",
            "max_output_tokens",
            "quality_score",
            "latency_class",
            "privacy",
            "strategy",
            "enabled",
            *_RATE_FIELDS,
            "price_number",
            "deployments",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields
