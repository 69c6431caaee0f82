"""What belongs to an account, on its page: open holds, entries, debts, lots, purchases, adjustments."""

from django.db.models import QuerySet

from credits import amounts
from credits.models import Account, Entry, Hold, Journal, Lot, ManualAdjustment, Purchase
from opscenter.core.admin_base import Panel, linked, list_of

_NEWEST, _FEW = 20, 8


def account_panels(account: Account) -> list[Panel]:
    """A system account has entries alone."""
    if account.kind == Account.Kind.SYSTEM:
        return [_newest_entries(account)]
    return [
        _open_holds(account),
        _newest_entries(account),
        *_debt(account),
        _open_lots(account),
        _purchases(account),
        _adjustments(account),
    ]


def _open_holds(account: Account) -> Panel:
    rows = [
        (linked(Hold, hold.pk), amounts.to_text(hold.amount), f"{hold.created_at:%Y-%m-%d %H:%M:%S}")
        for hold in Hold.objects.open().filter(account=account).order_by("pk")[:_NEWEST]
    ]
    return Panel("Open holds", ("Request", "Held", "Since"), rows)


def _newest_entries(account: Account) -> Panel:
    newest: QuerySet[Entry] = Entry.objects.filter(account=account).select_related("journal")
    ordering = "-version" if account.kind == Account.Kind.WALLET else "-id"
    rows = [
        (
            f"{entry.journal.created_at:%Y-%m-%d %H:%M:%S}",
            linked(Journal, entry.journal_id, entry.journal.get_kind_display()),
            amounts.to_text(entry.amount),
            "–" if entry.balance_after is None else amounts.to_text(entry.balance_after),
            entry.model or entry.journal.reason or "–",
        )
        for entry in newest.order_by(ordering)[:_NEWEST]
    ]
    return Panel(
        "Newest entries",
        ("When", "Journal", "Amount", "Balance after", "For"),
        rows,
        link=list_of(Entry, account__id__exact=account.pk),
        link_text="All entries of this account",
    )


def _debt(account: Account) -> list[Panel]:
    """What pays a debt whole leaves no entry in the wallet."""
    mine = Entry.objects.filter(account__code=f"debt:{account.user_id}").select_related("journal").order_by("-id")
    rows = [
        (
            f"{entry.journal.created_at:%Y-%m-%d %H:%M:%S}",
            linked(Journal, entry.journal_id, entry.journal.get_kind_display()),
            "Paid" if entry.amount > 0 else "Owed",
            amounts.to_text(abs(entry.amount)),
            entry.journal.reason or "–",
        )
        for entry in mine[:_FEW]
    ]
    panel = Panel("Newest debts and what paid them", ("When", "Journal", "What", "Amount", "For"), rows)
    return [panel] if rows else []


def _open_lots(account: Account) -> Panel:
    rows = [
        (
            linked(Lot, lot.pk),
            amounts.to_text(lot.amount),
            amounts.to_text(lot.remaining),
            f"{lot.expires_at:%Y-%m-%d %H:%M}",
        )
        for lot in account.lots.filter(remaining__gt=0).order_by("expires_at", "id")[:_FEW]
    ]
    return Panel(
        "Lots, the first to expire first",
        ("Lot", "Granted", "Left", "Expires"),
        rows,
        link=list_of(Lot, account__id__exact=account.pk),
        link_text="All lots of this account",
    )


def _purchases(account: Account) -> Panel:
    rows = [
        (
            linked(Purchase, purchase.pk, f"{purchase.created_at:%Y-%m-%d %H:%M}"),
            purchase.package.name,
            amounts.to_text(purchase.credits_nano),
            amounts.to_text(purchase.clawed_nano),
            purchase.get_state_display(),
        )
        for purchase in account.purchases.select_related("package").order_by("-id")[:_FEW]
    ]
    return Panel(
        "Newest purchases",
        ("When", "Package", "Credits", "Taken back", "State"),
        rows,
        link=list_of(Purchase, account__id__exact=account.pk),
        link_text="All purchases of this account",
    )


def _adjustments(account: Account) -> Panel:
    rows = [
        (
            linked(ManualAdjustment, one.pk, f"{one.created_at:%Y-%m-%d %H:%M}"),
            amounts.to_text(one.amount),
            one.reason,
            "expired" if one.is_expired else one.get_state_display(),
            one.proposed_by,
            one.decided_by or "–",
        )
        for one in account.manual_adjustments.select_related("proposed_by", "decided_by").order_by("-id")[:_FEW]
    ]
    return Panel("Newest adjustments", ("When", "Credits", "Reason", "State", "By", "Decided by"), rows)
