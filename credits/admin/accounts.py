"""Accounts: balances to read; plan, tier, status and limits to change; credits to adjust with a reason."""

from typing import Any, ClassVar, cast
from uuid import uuid4

from django import forms
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from credits import amounts
from credits.admin.access import MOVES_MONEY, readers
from credits.admin.account_panels import account_panels
from credits.errors import AmountInvalid
from credits.models import Account, ManualAdjustment
from credits.services import adjustments, plans, wallets
from opscenter.core.admin_base import (
    AuditedModelAdmin,
    Button,
    LargeTable,
    Panel,
    Said,
    Warned,
    display,
    register,
)
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.unfolded import TextInput
from opscenter.core.models import User

_DEBT = "debt:"


class AdjustForm(forms.Form):
    amount = forms.CharField(
        max_length=40, widget=TextInput, help_text="Credits, such as 1000 or 0.5. A negative amount takes back."
    )
    reason = forms.CharField(max_length=500, widget=TextInput, help_text="Kept in the journal and the audit log.")

    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, account: Account, data: Any = None) -> None:
        super().__init__(data)

    def clean_amount(self) -> int:
        try:
            return amounts.to_nano(self.cleaned_data["amount"])
        except AmountInvalid as error:
            raise forms.ValidationError(error.message) from error


class DebtFilter(SimpleListFilter):
    title = "debt"
    parameter_name = "debt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Owes credits")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        return queryset.filter(debt__gt=0) if self.value() == "yes" else queryset


class KindFilter(SimpleListFilter):
    """Debts, one a user, are left out unless they are asked for."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("wallet", "Wallets"), ("system", "The system's"), ("debt", "Debts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        if self.value() == "debt" or request.GET.get("q", "").strip().startswith(_DEBT):
            return queryset.filter(code__startswith=_DEBT)
        kinds = [self.value()] if self.value() else Account.Kind.values
        return queryset.filter(kind__in=kinds).exclude(code__startswith=_DEBT)


@register(Account)
class AccountAdmin(LargeTable, AuditedModelAdmin):
    access: ClassVar[Access] = {**readers("account"), "change": MOVES_MONEY}
    list_display = (
        "code",
        "user",
        "status_label",
        "tier",
        "plan",
        "balance",
        "held_credits",
        "available_credits",
        "owed",
    )
    list_filter = (KindFilter, "status", "tier", DebtFilter)
    search_fields = ("code", "user__username")
    search_help_text = "How a code or a user name begins"
    list_select_related = ("user", "plan")
    readonly_fields = (
        "code",
        "kind",
        "user",
        "balance",
        "held_credits",
        "available_credits",
        "owed",
        "next_grant_at",
        "in_lots",
        "next_expiry_at",
        "created_at",
    )
    fieldsets = (
        (None, {"fields": ("code", "kind", "user", ("status", "tier", "plan"), "next_grant_at")}),
        ("Limits and alerts", {"fields": (("budget_credits", "budget_period"), "low_balance_credits")}),
        ("Credits", {"fields": (("balance", "held_credits", "available_credits"), "owed")}),
        ("Expiring", {"fields": (("in_lots", "next_expiry_at"), "created_at")}),
    )
    buttons = (
        Button(
            "adjust",
            "Adjust credits …",
            run="adjust",
            needs=MOVES_MONEY,
            form=AdjustForm,
            preview="foresee",
            shown=lambda account: account.kind == Account.Kind.WALLET,
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        """What an index finds among a hundred thousand."""
        term = search_term.strip()
        names = User.objects.filter(username__startswith=term)
        meant = Q(code__startswith=term) | Q(code__startswith=f"wallet:{term}") | Q(user__in=names)
        return (queryset.filter(meant) if term else queryset), False

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        is_system = obj is not None and obj.kind == Account.Kind.SYSTEM
        return super().has_change_permission(request, obj) and not is_system

    def update(self, request: HttpRequest, row: Account, values: dict[str, Any]) -> Account:
        account = Account.objects.get(pk=row.pk)
        if "plan" in values:
            plans.set_plan(account=account, plan=values["plan"])
        if "tier" in values:
            wallets.set_tier(account=account, tier=values["tier"])
        if not {"budget_credits", "budget_period"}.isdisjoint(values):
            budget = {name: values.get(name, getattr(account, name)) for name in ("budget_credits", "budget_period")}
            wallets.set_budget(account=account, **budget)
        if "low_balance_credits" in values:
            wallets.set_low_balance(account=account, low_balance_credits=values["low_balance_credits"])
        if "status" in values:
            change = wallets.freeze if values["status"] == Account.Status.FROZEN else wallets.unfreeze
            change(account=account)
        return account

    def foresee(self, request: HttpRequest, row: Account, wanted: dict[str, Any]) -> Panel:
        seen = adjustments.foresee(account=row, **_adjustment(request, wanted))
        credits = seen.credits
        rows = [_change("Balance", *credits.balance), _change("Available", *credits.available)]
        if any(credits.debt):
            rows.append(_change("Debt", *credits.debt))
        title = f"Reason: {wanted['reason']}"
        if seen.wants_another:
            title = f"{title}. This is beyond your limit for a day: a second operator has to approve it."
        return Panel(title, ("Credits", "Now", "Change", "After"), rows)

    def adjust(self, request: HttpRequest, row: Account, wanted: dict[str, Any]) -> Said:
        made = adjustments.ask(account=row, **_adjustment(request, wanted))
        if made.state != ManualAdjustment.State.MADE:
            return Warned(
                "Proposed: it is beyond your limit for a day, and waits under Adjustments for a second operator."
            )
        row.refresh_from_db()
        owed = f", and the debt {amounts.to_text(row.debt)}" if row.debt else ""
        return Said(
            f"Adjusted by {amounts.to_text(wanted['amount'])}: the balance is {amounts.to_text(row.posted)}{owed} now."
        )

    def panels(self, request: HttpRequest, row: Account) -> list[Panel]:
        return account_panels(row)

    @display(description="Status", label={"active": "success", "frozen": "danger", "indebted": "warning"})
    def status_label(self, account: Account) -> str:
        return account.standing

    @display(description="Balance", empty_value="–")
    def balance(self, account: Account) -> str | None:
        return _of_wallet(account, account.posted)

    @display(description="Held", empty_value="–")
    def held_credits(self, account: Account) -> str | None:
        return _of_wallet(account, account.held)

    @display(description="Available", empty_value="–")
    def available_credits(self, account: Account) -> str | None:
        return _of_wallet(account, account.available)

    @display(description="Debt", empty_value="–")
    def owed(self, account: Account) -> str | None:
        return _of_wallet(account, account.debt)

    @display(description="In lots", empty_value="–")
    def in_lots(self, account: Account) -> str | None:
        return _of_wallet(account, account.expiring)


def _adjustment(request: HttpRequest, wanted: dict[str, Any]) -> dict[str, Any]:
    """The form's token makes it once, however often the form is sent."""
    by = cast(User, request.user)
    return {"amount_nano": wanted["amount"], "reason": wanted["reason"], "id": wanted["token"], "by": by}


def _change(what: str, before: int, after: int) -> tuple[str, str, str, str]:
    change = amounts.to_text(after - before)
    return what, amounts.to_text(before), f"+{change}" if after > before else change, amounts.to_text(after)


def _of_wallet(account: Account, nano: int) -> str | None:
    return amounts.to_text(nano) if account.kind == Account.Kind.WALLET else None
