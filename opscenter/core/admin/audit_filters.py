"""How the audit log's list is narrowed: by what, how and whence; the log itself is never searched for its values."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from opscenter.core.admin_base import ReadOnlyModelAdmin

_USUAL = ("create", "update", "delete")


class EntityFilter(SimpleListFilter):
    """By table, out of those that have a page."""

    title = "what"
    parameter_name = "entity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tables = {
            model._meta.db_table: str(model._meta.verbose_name_plural).capitalize()
            for model, page in model_admin.admin_site._registry.items()
            if not isinstance(page, ReadOnlyModelAdmin)
        }
        tables["groups"] = tables.pop("auth_group", "Groups")
        return sorted(tables.items(), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(entity_type=self.value()) if self.value() else queryset


class ActionFilter(SimpleListFilter):
    title = "action"
    parameter_name = "did"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("create", "Created"), ("update", "Updated"), ("delete", "Deleted"), ("other", "Something else")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "other":
            return queryset.exclude(action__in=_USUAL)
        return queryset.filter(action=self.value()) if self.value() in _USUAL else queryset


class SourceFilter(SimpleListFilter):
    title = "way"
    parameter_name = "by_way_of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("admin", "Admin"),
            ("api", "API"),
            ("account", "Account pages"),
            ("command", "Command"),
            ("task", "Background task"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(source__startswith=self.value()) if self.value() else queryset
