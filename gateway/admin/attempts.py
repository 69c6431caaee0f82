"""Attempts: every upstream call, answered or not. Read-only."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from gateway.admin.filters import SinceFilter
from gateway.models import AttemptRow, RequestRow
from gateway.records import time_of
from llmconfig.models import Deployment, Price
from opscenter.core.admin_base import LargeTable, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions

_LONGEST, _CLOCKS = timedelta(hours=1), timedelta(seconds=1)


@register(AttemptRow)
class AttemptRowAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": ("gateway.view_attemptrow", Permissions.CONFIGURE)}
    when_empty = "Every try of a call at a provider leaves a row here."
    list_display = ("created_at", "n", "target", "model", "provider", "outcome_label", "upstream_status", "duration_ms")
    list_filter = (SinceFilter,)
    search_fields = ("request_id",)
    search_help_text = "The request's whole id"
    fieldsets = (
        (None, {"fields": ("request_link", "n", "created_at", "outcome_label", "upstream_status", "message")}),
        ("Where", {"fields": ("target", ("model", "provider", "transport"), "deployment_link", "price_link")}),
        (
            "Usage",
            {
                "fields": (
                    ("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches"),
                    ("usage_source", "cost_usd"),
                    "duration_ms",
                )
            },
        ),
    )
    readonly_fields = ("request_link", "outcome_label", "deployment_link", "price_link")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AttemptRow | None:
        """By its time first, which its id begins with and the table's key does: at the end of the call whose beginning
        its row has.
        """
        try:
            made = time_of(UUID(object_id))
            near = AttemptRow.objects.filter(created_at__range=(made - _LONGEST, made + _CLOCKS), pk=object_id).first()
        except (ValueError, OverflowError, OSError):
            near = None
        found: AttemptRow | None = near or super().get_object(request, object_id, from_field)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AttemptRow], search_term: str
    ) -> tuple[QuerySet[AttemptRow], bool]:
        try:
            return (queryset.filter(request_id=UUID(search_term.strip())) if search_term else queryset), False
        except ValueError:
            return queryset.none(), False

    @display(description="Request")
    def request_link(self, attempt: AttemptRow) -> str:
        return linked(RequestRow, attempt.request_id)

    @display(description="Outcome", label={"answered": "success", "succeeded": "success"})
    def outcome_label(self, attempt: AttemptRow) -> str:
        return attempt.outcome

    @display(description="Deployment")
    def deployment_link(self, attempt: AttemptRow) -> str:
        return linked(Deployment, attempt.deployment_id)

    @display(description="Price version")
    def price_link(self, attempt: AttemptRow) -> str:
        return linked(Price, attempt.price_id)
