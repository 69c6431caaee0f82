"""Money that moves or waits: open holds, today's expenses, the last proof of the ledger."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from credits import amounts
from credits.models import Account, Entry, Hold, LedgerCheck
from opscenter.front_page.facts import Fact, Section, ago, link_to

_EXPENSES = {"expense:upstream": "Upstream expense today", "expense:overrun": "Overrun today"}
_CHECK_OLD_S = 36 * 3600


def section(request: HttpRequest, midnight: datetime) -> Section:
    return Section("Credits", [*_holds(request), *_expenses(request, midnight), _check(request)])


def _holds(request: HttpRequest) -> list[Fact]:
    """From the indexes over open holds alone."""
    now = timezone.now()
    found = Hold.objects.open().aggregate(
        count=Count("pk"),
        sum=Sum("amount"),
        oldest=Min("created_at"),
        past=Count("pk", filter=Q(heartbeat_at__lt=now - timedelta(seconds=settings.LEASE_S))),
    )
    listed, late = link_to(request, Hold, open="yes"), found["past"]
    oldest = ago((now - found["oldest"]).total_seconds()) if found["oldest"] else "none"
    return [
        Fact("Open holds", str(found["count"]), listed),
        Fact("Held", f"{amounts.to_text(int(found['sum'] or 0))} credits", listed),
        Fact("Oldest hold", oldest, listed),
        Fact("Past their lease", str(late), link_to(request, Hold, open="stale"), "danger" if late else "success"),
    ]


def _expenses(request: HttpRequest, midnight: datetime) -> list[Fact]:
    """What the operator pays for; the journals' time has an index."""
    accounts = dict(Account.objects.filter(code__in=_EXPENSES).values_list("code", "pk"))
    today = Entry.objects.filter(account__in=accounts.values(), journal__created_at__gte=midnight)
    sums = dict(today.order_by().values_list("account").annotate(Sum("amount")))
    facts = []
    for code, label in _EXPENSES.items():
        spent = -int(sums.get(accounts.get(code), 0))
        listed = link_to(request, Entry, account__id__exact=accounts.get(code, 0))
        facts.append(Fact(label, f"{amounts.to_text(spent)} credits", listed, "warning" if spent else ""))
    return facts


def _check(request: HttpRequest) -> Fact:
    last = LedgerCheck.objects.filter(finished_at__isnull=False).first()
    listed = link_to(request, LedgerCheck)
    if last is None or last.finished_at is None:
        return Fact("Ledger check", "never made", listed, "warning")
    age_s = (timezone.now() - last.finished_at).total_seconds()
    level = "danger" if last.problems else "warning" if age_s > _CHECK_OLD_S else "success"
    return Fact("Ledger check", f"{last.outcome}, {ago(age_s)}", listed, level)
