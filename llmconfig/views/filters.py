"""How the lists can be narrowed and ordered. What a parameter can't be is refused with 422."""

import json
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField

from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderHealth, ProviderKey
from llmconfig.services.pointers import AI_SERVER, PROVIDER_TYPES
from opscenter.core.models import AuditEntry


class Ordering(filters.OrderingFilter):  # type: ignore[misc]  # the library has no types
    """`?ordering=name,-created_at`; what has no value comes last, and equal rows in the order of their ids."""

    def filter(self, rows: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        wanted = [self._expression(name) for name in value or () if name]
        return rows.order_by(*wanted, "pk") if wanted else rows

    def _expression(self, name: str) -> OrderBy:
        field = F(self.param_map[name.lstrip("-")])
        return field.desc(nulls_last=True) if name.startswith("-") else field.asc(nulls_last=True)


class EnabledFilter(filters.FilterSet):  # type: ignore[misc]  # as above
    """`?enabled_only=true`, `?search=`."""

    searched: tuple[str, ...] = ()
    enabled_only = filters.BooleanFilter(method="keep_enabled", label="Leave out what is disabled.")
    search = filters.CharFilter(method="keep_found", label="Letters of a name.")

    def keep_enabled(self, rows: "QuerySet[Any]", name: str, value: bool) -> "QuerySet[Any]":
        return rows.filter(enabled=True) if value else rows

    def keep_found(self, rows: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        found = Q()
        for field in self.searched:
            found |= Q(**{f"{field}__icontains": value})
        return rows.filter(found)


class AIServerFilter(EnabledFilter):
    searched = ("name", "base_url", "model_path")
    ordering = Ordering(fields=("name", "server_type", "health_status", "last_health_check", "created_at"))

    class Meta:
        model = AIServer
        fields = (
            "name",
            "server_type",
            "health_status",
            "enabled",
            "use_for_chat",
            "use_for_embeddings",
            "use_for_reranking",
        )


class ProviderKeyFilter(EnabledFilter):
    searched = ("provider", "key_name")
    ordering = Ordering(
        fields=("provider", "key_name", "last_used", "requests_count", "tokens_used", "cost_usd", "created_at")
    )

    class Meta:
        model = ProviderKey
        fields = ("provider", "key_name", "enabled", "use_for_ops_center")


class LLMModelFilter(EnabledFilter):
    searched = ("name",)
    tag = filters.CharFilter(method="keep_tagged", label="One of its use-case tags.")
    min_quality_score = filters.NumberFilter("quality_score", lookup_expr="gte")
    min_context_window = filters.NumberFilter("context_window", lookup_expr="gte")
    ordering = Ordering(fields=("name", "quality_score", "context_window", "created_at", "updated_at"))

    class Meta:
        model = LLMModel
        fields = ("name", "purpose", "tier", "latency_class", "privacy", "strategy", "enabled")

    def keep_tagged(self, rows: "QuerySet[LLMModel]", name: str, value: str) -> "QuerySet[LLMModel]":
        """SQLite has no lookup inside of JSON, and keeps it with escapes; PostgreSQL without."""
        spellings = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
        found = Q()
        for spelling in spellings:
            found |= Q(use_case_tags__icontains=spelling)
        return rows.filter(found)


class DeploymentFilter(EnabledFilter):
    searched = ("model__name", "upstream_model")
    provider_type = filters.ChoiceFilter(choices=PROVIDER_TYPES, method="keep_kind", label="What it runs on.")
    ordering = Ordering(
        fields={"model__name": "model_name", **{name: name for name in ("upstream_model", "priority", "weight")}}
    )

    class Meta:
        model = Deployment
        fields = ("model", "server", "key", "upstream_model", "transport", "enabled")

    def keep_kind(self, rows: "QuerySet[Deployment]", name: str, value: str) -> "QuerySet[Deployment]":
        return rows.filter(server__isnull=value != AI_SERVER)


class ActiveProviderFilter(filters.FilterSet):  # type: ignore[misc]  # as above
    class Meta:
        model = ActiveProvider
        fields = ("purpose",)


class MomentField(IsoDateTimeField):  # type: ignore[misc]  # as above
    """In UTC: Python knows offsets that PostgreSQL does not."""

    def to_python(self, value: str) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]  # as above
    field_class = MomentField


class AuditEntryFilter(filters.FilterSet):  # type: ignore[misc]  # as above
    since = MomentFilter("created_at", lookup_expr="gte")
    until = MomentFilter("created_at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ("entity_type", "entity_id", "action", "user_id", "source", "request_id")


class ProviderHealthFilter(filters.FilterSet):  # type: ignore[misc]  # as above
    """`?status=unhealthy`, `?ordering=-since`."""

    ordering = Ordering(fields=("status", "since", "checked_at", "latency_ms"))

    class Meta:
        model = ProviderHealth
        fields = ("status", "server", "key")
