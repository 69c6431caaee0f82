"""Purchases and what of them went back. Read-only, but for paying back."""

from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.http import HttpRequest

from credits import amounts
from credits.admin.access import MOVES_MONEY, readers
from credits.models import Account, Hold, Journal, Purchase, Reversal, StripeEvent
from credits.stripe import own_refunds
from opscenter.core.admin_base import (
    Button,
    LargeTable,
    Panel,
    ReadOnlyModelAdmin,
    Said,
    Warned,
    display,
    linked,
    list_of,
    register,
)
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.unfolded import TextInput

PURCHASE_LABELS = {"open": "info", "paid": "success", "expired": "warning", "failed": "danger"}
REVERSAL_LABELS = {"requested": "info", "taken": "warning", "returned": "success", "failed": "danger"}
_MOST = 50


def money(minor: int, currency: str) -> str:
    """As it is kept: in the currency's smallest unit, of which not every currency has a hundred in its own."""
    return f"{minor} {currency} (smallest unit)"


class RefundForm(forms.Form):
    amount_minor = forms.IntegerField(
        label="Amount",
        required=False,
        min_value=1,
        widget=TextInput,
        help_text="In the currency's smallest unit. Empty: all that is left.",
    )
    reason = forms.CharField(max_length=500, widget=TextInput, help_text="Kept with the refund and in the journal.")
    allow_debt = forms.BooleanField(
        required=False, help_text="Credits that are spent already become the buyer's debt; else the refund is refused."
    )
    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, purchase: Purchase, data: Any = None) -> None:
        super().__init__(data)


@register(Purchase)
class PurchaseAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("purchase")
    when_empty = "A row appears when somebody goes to pay for a package."
    list_display = ("created_at", "account_link", "package", "price", "granted", "clawed", "state_label", "paid_at")
    list_select_related = ("account", "package")
    list_filter = ("state", "livemode")
    search_fields = ("payment_intent__exact", "session_id__exact")
    search_help_text = "A whole payment intent or session of Stripe's"
    fieldsets = (
        (None, {"fields": ("id", "account_link", "package", "package_version", "price", "state_label", "livemode")}),
        ("Credits", {"fields": (("granted", "clawed"), "journal_link")}),
        ("At Stripe", {"fields": ("session_id", "payment_intent")}),
        ("Who and when", {"fields": ("actor", "created_at", "paid_at")}),
    )
    readonly_fields = ("account_link", "price", "granted", "clawed", "state_label", "journal_link")
    buttons = (
        Button(
            "refund",
            "Refund …",
            run="refund",
            needs=MOVES_MONEY,
            form=RefundForm,
            shown=lambda purchase: purchase.state == Purchase.State.PAID,
            dangerous=True,
        ),
    )

    def refund(self, request: HttpRequest, row: Purchase, wanted: dict[str, Any]) -> Said:
        asked = {name: value for name, value in wanted.items() if name != "token"}
        # The form's token makes it once, however often the form is sent.
        reversal = own_refunds.request_refund(purchase=row, id=wanted["token"], **asked)
        if reversal.state == Reversal.State.REQUESTED:
            return Warned("Requested: Stripe has not answered yet. The worker goes on with it.")
        paid, taken = money(reversal.amount_minor, row.currency), amounts.to_text(reversal.taken_nano)
        return Said(f"Paid back: {paid}; {taken} credits were taken.")

    def panels(self, request: HttpRequest, row: Purchase) -> list[Panel]:
        return [_reversals(row), _events(row)]

    @display(description="Account")
    def account_link(self, purchase: Purchase) -> str:
        return linked(Account, purchase.account_id, purchase.account.code)

    @display(description="Price")
    def price(self, purchase: Purchase) -> str:
        return money(purchase.amount_minor, purchase.currency)

    @display(description="Credits")
    def granted(self, purchase: Purchase) -> str:
        return amounts.to_text(purchase.credits_nano)

    @display(description="Taken back")
    def clawed(self, purchase: Purchase) -> str:
        return amounts.to_text(purchase.clawed_nano)

    @display(description="State", label=PURCHASE_LABELS)
    def state_label(self, purchase: Purchase) -> tuple[str, str]:
        return purchase.state, purchase.get_state_display()

    @display(description="Journal")
    def journal_link(self, purchase: Purchase) -> str:
        key = f"stripe:pi:{purchase.payment_intent}"
        journal = Journal.objects.filter(idempotency_key=key).first() if purchase.payment_intent else None
        return linked(Journal, journal.pk if journal else None, key)


@register(Reversal)
class ReversalAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("reversal")
    when_empty = "A refund or a dispute of a purchase leaves one."
    list_display = ("created_at", "kind", "purchase_link", "price", "taken", "state_label", "reason", "actor")
    list_select_related = ("purchase",)
    list_filter = ("kind", "state")
    search_fields = ("stripe_id__exact",)
    search_help_text = "A whole refund or dispute of Stripe's"
    fieldsets = (
        (None, {"fields": ("id", "kind", "purchase_link", "price", "state_label", "reason")}),
        ("Credits", {"fields": ("taken", "hold_link")}),
        ("At Stripe", {"fields": ("stripe_id", "returned")}),
        ("Who and when", {"fields": ("actor", "created_at", "updated_at")}),
    )
    readonly_fields = ("purchase_link", "price", "taken", "returned", "state_label", "hold_link")

    def panels(self, request: HttpRequest, row: Reversal) -> list[Panel]:
        return [_journals(row)]

    @display(description="Purchase")
    def purchase_link(self, reversal: Reversal) -> str:
        return linked(Purchase, reversal.purchase_id)

    @display(description="Amount")
    def price(self, reversal: Reversal) -> str:
        return money(reversal.amount_minor, reversal.purchase.currency)

    @display(description="Came back")
    def returned(self, reversal: Reversal) -> str:
        return money(reversal.returned_minor, reversal.purchase.currency)

    @display(description="Credits taken")
    def taken(self, reversal: Reversal) -> str:
        return amounts.to_text(reversal.taken_nano)

    @display(description="State", label=REVERSAL_LABELS)
    def state_label(self, reversal: Reversal) -> tuple[str, str]:
        return reversal.state, reversal.get_state_display()

    @display(description="Hold")
    def hold_link(self, reversal: Reversal) -> str:
        return linked(Hold, reversal.hold_id)


def _reversals(purchase: Purchase) -> Panel:
    rows = [
        (
            linked(Reversal, reversal.pk, reversal.get_kind_display()),
            money(reversal.amount_minor, purchase.currency),
            amounts.to_text(reversal.taken_nano),
            reversal.get_state_display(),
            reversal.reason or "–",
        )
        for reversal in purchase.reversals.order_by("-id")[:_MOST]
    ]
    return Panel("What went back", ("What", "Amount", "Credits taken", "State", "Reason"), rows)


def _events(purchase: Purchase) -> Panel:
    """Those that waited for it, by their index; the others are found by their id."""
    about = StripeEvent.objects.filter(payment_intent=purchase.payment_intent or "", state=StripeEvent.State.WAITING)
    rows = [(linked(StripeEvent, event.pk), event.type) for event in about.exclude(payment_intent="")[:_MOST]]
    return Panel(
        "Stripe's events that wait for it", ("Event", "Type"), rows, link=list_of(StripeEvent), link_text="All"
    )


def _journals(reversal: Reversal) -> Panel:
    """By their whole keys, which alone have an index everywhere."""
    rows = [
        (
            linked(Journal, journal.pk, journal.idempotency_key),
            f"{journal.created_at:%Y-%m-%d %H:%M:%S}",
            journal.reason,
        )
        for journal in Journal.objects.filter(idempotency_key__in=_keys(reversal)).order_by("id")
    ]
    return Panel("Journals", ("Journal", "When", "Reason"), rows)


def _keys(reversal: Reversal) -> list[str]:
    if reversal.kind == Reversal.Kind.REFUND:
        return [f"stripe:re:{reversal.stripe_id}{end}" for end in ("", ":failed")]
    ends = ("out", "in", f"out:{reversal.amount_minor}", f"in:{reversal.returned_minor}")
    return [f"stripe:dp:{reversal.stripe_id}:{end}" for end in ends]
