"""Which balances have become low, and which have risen again: found by what has moved lately, never by looking at all.

Somebody is told once of each fall, in the transaction that notes it. Several may run at once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from credits import amounts
from credits.models import Account, AlertRules, Entry, LowBalance
from opscenter.core import alerts, task_runs
from opscenter.core.alerts.news import News, lines, page_of

LOW = "credits.balance_low"
TASK = "credits.tasks.tell_of_balances"
_AT_ONCE = 500
_OVERLAP = timedelta(minutes=2)
"""Longer than a run, and than a transaction of the ledger, takes."""
_FARTHEST = timedelta(days=1)


def look(*, now: datetime | None = None) -> int:
    """Returns how many have become low."""
    now = now or timezone.now()
    rules = AlertRules.in_force()
    found = 0
    everything = list(_moved(now - _since_last()))
    for n in range(0, len(everything), _AT_ONCE):
        moved = everything[n : n + _AT_ONCE]
        accounts = Account.objects.select_related("user", "low_balance").in_bulk([pk for pk, _ in moved])
        for pk, falls in moved:
            found += _judge(accounts[pk], rules, has_fallen=bool(falls), now=now)
    return found


def _since_last() -> timedelta:
    age = task_runs.age(TASK)
    return _FARTHEST if age is None else min(age + _OVERLAP, _FARTHEST)


def _moved(since: datetime) -> Iterable[tuple[int, int]]:
    """Each wallet that has entries since then, and how many of them took credits; by the index of journals' times."""
    entries = Entry.objects.filter(journal__created_at__gte=since, version__isnull=False).order_by()
    return entries.values("account").annotate(falls=Count("pk", filter=Q(amount__lt=0))).values_list("account", "falls")


def _judge(account: Account, rules: AlertRules, *, has_fallen: bool, now: datetime) -> bool:
    """Whether it has become low."""
    threshold_nano = rules.threshold_of(account)
    is_known = hasattr(account, "low_balance")
    if account.posted >= threshold_nano:
        if is_known:
            LowBalance.objects.filter(account=account).delete()
        return False
    return has_fallen and not is_known and _note(account, threshold_nano, now)


@transaction.atomic
def _note(account: Account, threshold_nano: int, now: datetime) -> bool:
    """False where another worker was quicker."""
    amounts_then = {"balance_nano": account.posted, "threshold_nano": threshold_nano}
    low, is_new = LowBalance.objects.get_or_create(account=account, defaults={"since": now, **amounts_then})
    if is_new:
        alerts.tell_operators(_news(low, whose=f"The balance of {account.user}", url=page_of(account)))
        if account.user and account.user.is_active:
            alerts.tell(account.user.email, _news(low, whose="Your balance"))
    return is_new


def _news(low: LowBalance, *, whose: str, url: str = "") -> News:
    balance, threshold = amounts.to_text(low.balance_nano), amounts.to_text(low.threshold_nano)
    headline = f"{whose} is low: {balance} credits"
    text = lines(f"{headline}. It is told of below {threshold}, and again once it has risen above that.", url)
    data = {
        "account_id": low.account_id,
        "user": str(low.account.user),
        "balance": balance,
        "threshold": threshold,
        "url": url,
    }
    return News(LOW, f"{low.account_id}:{low.pk}", low.since, headline, text, data)
