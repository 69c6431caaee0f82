"""Stripe's events and what became of them, and comparisons with Stripe's lists. Read-only."""

import json
from typing import ClassVar

from django.http import HttpRequest
from django.utils.html import format_html

from credits.admin.access import MOVES_MONEY, readers
from credits.models import Purchase, StripeEvent, StripeReconciliation
from credits.stripe import reconciliation, waiting
from opscenter.core.admin_base import (
    Button,
    LargeTable,
    Panel,
    ReadOnlyModelAdmin,
    Said,
    Warned,
    display,
    linked,
    register,
)
from opscenter.core.admin_base.access import Access

EVENT_LABELS = {
    "received": "info",
    "applied": "success",
    "ignored": "info",
    "unknown": "info",
    "waiting": "warning",
    "refused": "danger",
    "failed": "danger",
}


@register(StripeEvent)
class StripeEventAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("stripeevent")
    when_empty = "Stripe sends one for each payment, refund and dispute, once its webhook is set up."
    list_display = ("id", "type", "state_label", "received_at", "attempts", "next_try_at", "error")
    list_filter = ("state", "livemode")
    search_fields = ("id__exact",)
    search_help_text = "A whole id of Stripe's: evt_..."
    fieldsets = (
        (None, {"fields": ("id", "type", "livemode", "state_label", "error", "purchase_link")}),
        ("Times", {"fields": ("created", "received_at", "finished_at", "next_try_at", "attempts")}),
        ("What it says", {"fields": ("what_it_says",)}),
    )
    readonly_fields = ("state_label", "purchase_link", "what_it_says")
    buttons = (
        Button("retry", "Try again", run="retry", needs=MOVES_MONEY, shown=lambda event: not event.is_finished),
        Button(
            "dismiss",
            "Dismiss …",
            run="dismiss",
            needs=MOVES_MONEY,
            question="It is about nothing that is sold here, and is to wait no longer?",
            shown=lambda event: event.state == StripeEvent.State.WAITING,
        ),
    )

    def retry(self, request: HttpRequest, row: StripeEvent) -> Said:
        tried = waiting.retry_event(event_id=row.pk)
        said = f"Tried: {tried.get_state_display()}. {tried.error}".strip()
        return Said(said) if tried.is_finished else Warned(said)

    def dismiss(self, request: HttpRequest, row: StripeEvent) -> Said:
        dismissed = waiting.dismiss(event_id=row.pk)
        return Said(f"It is now: {dismissed.get_state_display()}.")

    @display(description="State", label=EVENT_LABELS)
    def state_label(self, event: StripeEvent) -> tuple[str, str]:
        return event.state, event.get_state_display()

    @display(description="Purchase")
    def purchase_link(self, event: StripeEvent) -> str:
        found = Purchase.objects.filter(payment_intent=event.payment_intent).first() if event.payment_intent else None
        return linked(Purchase, found.pk if found else None)

    @display(description="As kept")
    def what_it_says(self, event: StripeEvent) -> str:
        text = json.dumps(event.payload, indent=2, sort_keys=True, ensure_ascii=False)
        return format_html('<pre class="overflow-x-auto whitespace-pre">{}</pre>', text)


@register(StripeReconciliation)
class StripeReconciliationAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("stripereconciliation")
    when_empty = "The worker compares the books with Stripe's every night, where purchases are on."
    list_display = ("started_at", "outcome_label", "finished_at", "days", "sessions", "refunds", "disputes", "livemode")
    sortable_by = ()
    fields = (
        "started_at",
        "finished_at",
        "outcome_label",
        "days",
        "livemode",
        "sessions",
        "refunds",
        "disputes",
        "error",
    )
    readonly_fields = ("outcome_label",)
    list_buttons = (Button("compare", "Compare now", run="compare", needs=MOVES_MONEY),)

    def compare(self, request: HttpRequest) -> Said:
        made = reconciliation.reconcile()
        if made.error:
            return Warned(f"Not completed: {made.error}")
        found = f"{len(made.applied)} applied, {len(made.differences)} to look at."
        return Warned(found) if made.differences else Said(found)

    def panels(self, request: HttpRequest, row: StripeReconciliation) -> list[Panel]:
        lists = (("For a person to look at", row.differences), ("Applied now", row.applied))
        return [Panel(title, ("What",), [(str(one),) for one in found]) for title, found in lists if found]

    @display(
        description="Outcome", label={"agrees": "success", "differs": "danger", "failed": "danger", "open": "info"}
    )
    def outcome_label(self, row: StripeReconciliation) -> tuple[str, str]:
        if row.error:
            return "failed", "not completed"
        if row.finished_at is None:
            return "open", "not finished"
        return ("differs", f"{len(row.differences)} to look at") if row.differences else ("agrees", "agrees")
