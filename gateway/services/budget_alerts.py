"""Tells of what budgets came to: operators, and whoever spends. Each mark, which the ledger makes once, once."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from credits import amounts
from credits.models import Account, BudgetMark
from gateway.budgets import ACCOUNT, KEY
from gateway.models import VirtualKey
from opscenter.core import alerts
from opscenter.core.alerts.news import News, lines, page_of
from opscenter.core.models import User

USED = "credits.budget_used"
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Spender:
    name: str
    user: User | None
    url: str


def tell() -> int:
    """Returns how many marks were told of; several may run at once."""
    told = 0
    while done := _tell_some():
        told += done
    return told


@transaction.atomic
def _tell_some() -> int:
    untold = BudgetMark.objects.filter(told_at__isnull=True).select_for_update(skip_locked=True, of=("self",))
    marks = list(untold.select_related("budget").order_by("pk")[:_BATCH])
    spenders = _spenders(marks)
    for mark in marks:
        spender = spenders.get((mark.budget.scope, mark.budget.scope_id))
        if spender is not None:
            _tell(mark, spender)
    BudgetMark.objects.filter(pk__in=[mark.pk for mark in marks]).update(told_at=timezone.now())
    return len(marks)


def _spenders(marks: Iterable[BudgetMark]) -> dict[tuple[str, int], Spender]:
    ids: dict[str, set[int]] = {KEY: set(), ACCOUNT: set()}
    for mark in marks:
        ids.setdefault(mark.budget.scope, set()).add(mark.budget.scope_id)
    keys = VirtualKey.objects.select_related("user").filter(pk__in=ids[KEY])
    accounts = Account.objects.select_related("user").filter(pk__in=ids[ACCOUNT])
    return {(KEY, key.pk): Spender(f"virtual key {key}", key.user, page_of(key)) for key in keys} | {
        (ACCOUNT, account.pk): Spender("account", account.user, page_of(account)) for account in accounts
    }


def _tell(mark: BudgetMark, spender: Spender) -> None:
    user = spender.user
    alerts.tell_operators(_news(mark, spender, whose=f"The {spender.name} of {user}", url=spender.url))
    if user and user.is_active:
        alerts.tell(user.email, _news(mark, spender, whose=f"Your {spender.name}"))


def _news(mark: BudgetMark, spender: Spender, *, whose: str, url: str = "") -> News:
    budget = mark.budget
    spent, cap = amounts.to_text(budget.spent), amounts.to_text(budget.cap)
    headline = f"{whose} has used {mark.percent} % of its budget for {budget.window}"
    text = lines(f"{headline}: {spent} of {cap} credits by now.", url)
    data = {
        "scope": budget.scope,
        "scope_id": budget.scope_id,
        "user": str(spender.user or ""),
        "window": budget.window,
        "percent": mark.percent,
        "spent": spent,
        "budget": cap,
        "url": url,
    }
    return News(USED, f"{budget.pk}:{mark.percent}", mark.at, headline, text, data)
