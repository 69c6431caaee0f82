"""Credits given and taken back by hand; what waits for a second person is approved or declined here."""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from credits import amounts
from credits.admin.access import MOVES_MONEY, readers
from credits.models import Account, Journal, ManualAdjustment
from credits.services import adjustments
from opscenter.core.admin_base import Button, LargeTable, ReadOnlyModelAdmin, Said, display, linked, register
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.unfolded import TextInput
from opscenter.core.models import User


class DeclineForm(forms.Form):
    remark = forms.CharField(
        max_length=500, required=False, widget=TextInput, help_text="Why, for whoever proposed it."
    )

    def __init__(self, adjustment: ManualAdjustment, data: Any = None) -> None:
        super().__init__(data)


class WaitingFilter(SimpleListFilter):
    """What there is to be done, by its index."""

    title = "state"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Waiting for a second person")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ManualAdjustment]) -> QuerySet[ManualAdjustment]:
        waiting = {"state": ManualAdjustment.State.PROPOSED, "expires_at__gt": timezone.now()}
        return queryset.filter(**waiting) if self.value() == "yes" else queryset


@register(ManualAdjustment)
class ManualAdjustmentAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": (*readers("manualadjustment")["view"], *MOVES_MONEY)}
    when_empty = "Whoever adjusts a wallet's credits leaves a row; much of it waits for a second person."
    list_display = ("created_at", "account_link", "credits", "reason", "state_label", "proposed_by", "decided_by")
    list_select_related = ("account", "proposed_by", "decided_by")
    list_filter = (WaitingFilter,)
    fields = (
        "account_link",
        "credits",
        "reason",
        "state_label",
        "proposed_by",
        "created_at",
        "expires_at",
        "decided_by",
        "decided_at",
        "remark",
        "journal_link",
    )
    readonly_fields = fields
    buttons = (
        Button(
            "approve",
            "Approve …",
            run="approve",
            needs=MOVES_MONEY,
            question="The credits move as soon as this is confirmed.",
            shown=lambda adjustment: adjustment.is_waiting,
        ),
        Button(
            "decline",
            "Decline …",
            run="decline",
            needs=MOVES_MONEY,
            form=DeclineForm,
            shown=lambda adjustment: adjustment.is_waiting,
        ),
    )

    def approve(self, request: HttpRequest, row: ManualAdjustment) -> Said:
        adjustments.approve(id=row.pk, by=cast(User, request.user))
        row.account.refresh_from_db()
        return Said(f"Approved: the balance is {amounts.to_text(row.account.posted)} now.")

    def decline(self, request: HttpRequest, row: ManualAdjustment, wanted: dict[str, Any]) -> Said:
        adjustments.decline(id=row.pk, by=cast(User, request.user), remark=wanted["remark"])
        return Said("Declined: nothing was moved.")

    @display(description="Account")
    def account_link(self, adjustment: ManualAdjustment) -> str:
        return linked(Account, adjustment.account_id, adjustment.account.code)

    @display(description="Credits")
    def credits(self, adjustment: ManualAdjustment) -> str:
        return amounts.to_text(adjustment.amount)

    @display(
        description="State", label={"made": "success", "proposed": "warning", "declined": "danger", "expired": "info"}
    )
    def state_label(self, adjustment: ManualAdjustment) -> str:
        return "expired" if adjustment.is_expired else str(adjustment.state)

    @display(description="Journal")
    def journal_link(self, adjustment: ManualAdjustment) -> str:
        journal = Journal.objects.filter(idempotency_key=adjustment.journal_key).first()
        return linked(Journal, journal.pk if journal else None, adjustment.journal_key)
