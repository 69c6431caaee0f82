"""Alerts: what people were told, and what became of it. Read-only."""

from typing import ClassVar

from opscenter.core.admin_base import LargeTable, ReadOnlyModelAdmin, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions
from opscenter.core.models import Alert


@register(Alert)
class AlertAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": ("core.view_alert", Permissions.CONFIGURE)}
    when_empty = "Who is told of what: docs/plans-and-alerts.md says how to have it sent."
    ordering = ("-id",)
    list_display = ("queued_at", "headline", "channel", "reader", "outcome_label")
    list_filter = ("channel",)
    fields = (
        "queued_at",
        "happened_at",
        "type",
        "about",
        "channel",
        "reader",
        "headline",
        "text",
        "outcome_label",
        "attempts",
        "due_at",
    )
    readonly_fields = fields

    @display(description="To")
    def reader(self, alert: Alert) -> str:
        return alert.address or "operators"

    @display(description="Outcome")
    def outcome_label(self, alert: Alert) -> str:
        return alert.outcome
