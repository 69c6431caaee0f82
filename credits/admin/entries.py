"""Entries: one account's side of each journal. Read-only."""

from typing import ClassVar

from django.http import HttpRequest

from credits import amounts
from credits.admin.access import readers
from credits.models import Account, Entry, Journal
from opscenter.core.admin_base import LargeTable, ReadOnlyModelAdmin, display, linked, register
from opscenter.core.admin_base.access import Access


@register(Entry)
class EntryAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("entry")
    when_empty = "Every movement of credits is two entries or more: adjust a wallet's credits, or make a call."
    list_display = ("id", "when", "account_link", "credits", "balance", "model", "provider", "tokens", "journal_link")
    list_select_related = ("account", "journal")
    fields = (
        "id",
        "when",
        "account_link",
        "journal_link",
        "credits",
        "balance",
        "version",
        "model",
        "provider",
        "tokens",
    )
    readonly_fields = fields

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """A wallet's by their number, which is in the index of its entries: by their ids all others' are in between."""
        account_id = request.GET.get("account__id__exact", "")
        is_wallet = account_id.isdecimal() and Account.objects.wallets().filter(pk=account_id).exists()
        return ("-version",) if is_wallet else ("-id",)

    @display(description="When")
    def when(self, entry: Entry) -> str:
        return f"{entry.journal.created_at:%Y-%m-%d %H:%M:%S}"

    @display(description="Account")
    def account_link(self, entry: Entry) -> str:
        return linked(Account, entry.account_id, entry.account.code)

    @display(description="Journal")
    def journal_link(self, entry: Entry) -> str:
        return linked(Journal, entry.journal_id, entry.journal.get_kind_display())

    @display(description="Credits")
    def credits(self, entry: Entry) -> str:
        return amounts.to_text(entry.amount)

    @display(description="Balance after", empty_value="–")
    def balance(self, entry: Entry) -> str | None:
        return None if entry.balance_after is None else amounts.to_text(entry.balance_after)
