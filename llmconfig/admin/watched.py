"""Providers are deleted with what is kept of their health, which nobody may delete by itself."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.models.health import HealthChange, HealthCheck, HealthRollup, ProviderHealth
from opscenter.core.admin_base import AuditedModelAdmin

_KEPT = {str(model._meta.verbose_name) for model in (ProviderHealth, HealthCheck, HealthRollup, HealthChange)}


class Watched(AuditedModelAdmin):
    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[Any, Any, set[str], Any]:
        objects, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return objects, counts, {name for name in forbidden if str(name) not in _KEPT}, protected
