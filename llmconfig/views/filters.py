"""How the lists can be narrowed."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from llmconfig.models import AIServer, Deployment, LLMModel, ProviderKey


class EnabledFilter(filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """`?enabled_only=true`."""

    enabled_only = filters.BooleanFilter(method="keep_enabled", label="Leave out what is disabled.")

    def keep_enabled(self, rows: "QuerySet[AIServer]", name: str, value: bool) -> "QuerySet[AIServer]":
        return rows.filter(enabled=True) if value else rows


class AIServerFilter(EnabledFilter):
    class Meta:
        model = AIServer
        fields = ("server_type", "health_status")


class ProviderKeyFilter(EnabledFilter):
    class Meta:
        model = ProviderKey
        fields = ("provider",)


class LLMModelFilter(EnabledFilter):
    class Meta:
        model = LLMModel
        fields = ("name", "purpose", "tier")


class DeploymentFilter(EnabledFilter):
    class Meta:
        model = Deployment
        fields = ("model", "server", "key")
