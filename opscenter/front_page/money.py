"""Money that moves or waits: open holds, today's spend, the last proof of the ledger."""

from datetime import datetime

from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from credits import amounts
from credits.models import Account, Entry, Hold, LedgerCheck
from opscenter.core.admin_base import list_of
from opscenter.front_page.facts import Fact, Section, ago, link_to, may_view

_EXPENSES = ("expense:upstream", "expense:overrun")
_CHECK_OLD_S = 36 * 3600


def section(request: HttpRequest, midnight: datetime) -> Section:
    return Section("Credits", [*holds(request), *_expenses(request, midnight), check(request)])


def holds(request: HttpRequest) -> list[Fact]:
    """Of the index over open holds alone."""
    now = timezone.now()
    found = Hold.objects.open().aggregate(
        count=Count("pk"),
        sum=Sum("amount"),
        oldest=Min("created_at"),
        past=Count("pk", filter=Q(heartbeat_at__lt=Hold.objects.lease_limit())),
    )
    listed = link_to(request, Hold, open="yes")
    facts = [
        Fact("Open holds", str(found["count"]), listed),
        Fact("Held", f"{amounts.to_text(found['sum'] or 0)} credits", listed),
    ]
    if found["oldest"]:
        facts.append(Fact("Oldest hold", ago((now - found["oldest"]).total_seconds()), listed))
    late = found["past"]
    facts.append(
        Fact("Past their lease", str(late), link_to(request, Hold, open="stale"), "danger" if late else "success")
    )
    return facts


def _expenses(request: HttpRequest, midnight: datetime) -> list[Fact]:
    """What the operator pays for: entries of journals since midnight, found by the journals' time."""
    accounts = dict(Account.objects.filter(code__in=_EXPENSES).values_list("code", "pk"))
    sums = dict(
        Entry.objects.filter(account__in=accounts.values(), journal__created_at__gte=midnight)
        .order_by()
        .values_list("account")
        .annotate(Sum("amount"))
    )
    return [
        Fact(
            f"{code} today",
            f"{amounts.to_text(-int(sums.get(accounts.get(code, 0), 0)))} credits",
            list_of(Entry, account__id__exact=accounts.get(code, 0)) if may_view(request, Entry) else "",
            "warning" if sums.get(accounts.get(code, 0)) else "",
        )
        for code in _EXPENSES
    ]


def check(request: HttpRequest) -> Fact:
    """The last finished check of the ledger."""
    last = LedgerCheck.objects.filter(finished_at__isnull=False).first()
    listed = link_to(request, LedgerCheck)
    if last is None or last.finished_at is None:
        return Fact("Ledger check", "never made", listed, "warning")
    age_s = (timezone.now() - last.finished_at).total_seconds()
    level = "danger" if last.problems else "warning" if age_s > _CHECK_OLD_S else "success"
    return Fact("Ledger check", f"{last.outcome}, {ago(age_s)}", listed, level)
