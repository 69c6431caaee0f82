"""The audit log: who changed what, as differences, and the way back."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from opscenter.core.admin.audit_filters import ActionFilter, EntityFilter, SourceFilter
from opscenter.core.admin.differences import differences
from opscenter.core.admin.reverting import RevertForm, reversion_of
from opscenter.core.admin_base import (
    Button,
    LargeTable,
    Panel,
    ReadOnlyModelAdmin,
    Said,
    display,
    linked,
    list_of,
    register,
)
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.audited import AUDIT_READERS
from opscenter.core.models import AuditEntry, User
from opscenter.core.usernames import with_username

_MOST_FIELDS = 6
_MOST_OTHERS = 10
_MAX_ID = 2**63 - 1


@register(AuditEntry)
class AuditEntryAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": AUDIT_READERS}
    when_empty = "Every change of configuration, people or keys is written here."
    list_display = ("created_at", "coloured_action", "entity", "who", "source", "summary")
    list_filter = (EntityFilter, ActionFilter, SourceFilter, "created_at")
    search_fields = ("entity_id",)
    search_help_text = "User name, the thing's ID, request ID, or an entry's number"
    fields = (
        ("created_at", "number"),
        ("action", "entity"),
        ("who", "source"),
        ("address", "request_id"),
        "reverted",
        "entry_hash",
    )
    readonly_fields = ("created_at", "number", "entity", "who", "reverted")
    buttons = (
        Button(
            "revert",
            "Revert …",
            run="revert",
            needs=AUDIT_READERS,
            form=RevertForm,
            shown=lambda entry: entry.reversion is not None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return with_username(super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With what may be set back of it."""
        entry: Any = super().get_object(request, object_id, from_field)
        if entry is not None:
            entry.reversion = reversion_of(entry, request)
        return entry

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        return (queryset.filter(_meant(term)) if term else queryset), False

    def revert(self, request: HttpRequest, entry: Any, wanted: dict[str, Any]) -> Said:
        names = wanted["fields_to_revert"]
        entry.reversion.run(request, entry, names)
        return Said(f"{entry.reversion.row}: {', '.join(names)} as before entry {entry.number}.")

    def panels(self, request: HttpRequest, row: AuditEntry) -> list[Panel]:
        found = [Panel("Changes", ("Field", "Before", "After"), [one.marked for one in differences(row)])]
        others = list(self._others(request, row)[:_MOST_OTHERS])
        if others:
            found.append(
                Panel(
                    "Other changes of this",
                    ("Time", "Action", "Who", "Changed"),
                    [
                        (linked(AuditEntry, one.pk, f"{one.created_at:%Y-%m-%d %H:%M}"), *self._told(one))
                        for one in others
                    ],
                    link=list_of(AuditEntry, entity_type__exact=row.entity_type, entity_id__exact=row.entity_id),
                    link_text="All changes of this",
                )
            )
        return found

    def _others(self, request: HttpRequest, row: AuditEntry) -> QuerySet[AuditEntry]:
        same = self.get_queryset(request).filter(entity_type=row.entity_type, entity_id=row.entity_id)
        return same.exclude(pk=row.pk).order_by("-id")

    def _told(self, entry: AuditEntry) -> tuple[str, str, str]:
        return entry.action, self.who(entry), self.summary(entry)

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
        names = [one.name for one in differences(entry)]
        more = f" and {len(names) - _MOST_FIELDS} more" if len(names) > _MOST_FIELDS else ""
        return ", ".join(names[:_MOST_FIELDS]) + more

    @display(description="Sets back", empty_value="–")
    def reverted(self, entry: AuditEntry) -> str | None:
        former = AuditEntry.objects.filter(number=entry.reverts or 0).first()
        return linked(AuditEntry, former.pk, f"entry {former.number}") if former else None


def _meant(term: str) -> Q:
    people = User.objects.filter(username=term).values("pk")
    wanted = Q(entity_id=term) | Q(request_id=term) | Q(user_id__in=people)
    return wanted | Q(number=int(term)) if term.isdecimal() and int(term) <= _MAX_ID else wanted
