"""The audit log: who changed what, as differences."""

import json
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from opscenter.core.admin_base import LargeTable, Panel, ReadOnlyModelAdmin, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.audited import AUDIT_READERS
from opscenter.core.models import AuditEntry
from opscenter.core.usernames import with_username


class EntityFilter(SimpleListFilter):
    """By table, out of those that have a page: the log itself is never searched for its values."""

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


@register(AuditEntry)
class AuditEntryAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": AUDIT_READERS}
    when_empty = "Every change of configuration, people or keys is written here."
    list_display = ("created_at", "coloured_action", "entity", "who", "source", "summary")
    list_filter = (EntityFilter,)
    fields = ("created_at", "action", "entity", "who", "source", "address", "request_id")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return with_username(super().get_queryset(request))

    @display(
        description="Action",
        label={"create": "success", "delete": "danger", "revoke": "danger", "update": "info"},
    )
    def coloured_action(self, entry: AuditEntry) -> str:
        return entry.action

    @display(description="What")
    def entity(self, entry: AuditEntry) -> str:
        return f"{entry.entity_type} {entry.entity_id}"

    @display(description="Who")
    def who(self, entry: Any) -> str:
        return entry.username or ("system" if entry.user_id is None else f"user {entry.user_id}")

    @display(description="Changed")
    def summary(self, entry: AuditEntry) -> str:
        names = [name for name, _, _ in difference(entry)]
        return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")

    def panels(self, request: HttpRequest, row: AuditEntry) -> list[Panel]:
        return [Panel("Changes", ("Field", "Before", "After"), difference(row))]


def difference(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """A row per changed field: name, before, after as text; "–" where there was or is none."""
    before, after = entry.changes.get("before", {}), entry.changes.get("after", {})
    return [(name, _text(before, name), _text(after, name)) for name in {**before, **after}]


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
