"""From where on a balance is low, and which are."""

from typing import ClassVar

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, AlertRules, LowBalance
from opscenter.core.admin_base import AuditedModelAdmin, LargeTable, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions


@register(AlertRules)
class AlertRulesAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = {
        "view": ("credits.view_alertrules", Permissions.CONFIGURE),
        "change": ("credits.change_alertrules", Permissions.CONFIGURE),
    }
    when_empty = "Migrating makes its one row."
    list_display = ("__str__", "low_balance_credits", "version", "updated_at")
    fields = ("low_balance_credits", "version", "updated_at")
    readonly_fields = ("version", "updated_at")


@register(LowBalance)
class LowBalanceAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("lowbalance")
    when_empty = "The worker looks each minute at the balances that were spent from."
    list_display = ("account_link", "since", "balance", "threshold")
    list_select_related = ("account",)
    fields = list_display
    readonly_fields = fields

    @display(description="Account")
    def account_link(self, low: LowBalance) -> str:
        return linked(Account, low.account_id, low.account.code)

    @display(description="Balance then")
    def balance(self, low: LowBalance) -> str:
        return amounts.to_text(low.balance_nano)

    @display(description="Threshold")
    def threshold(self, low: LowBalance) -> str:
        return amounts.to_text(low.threshold_nano)
