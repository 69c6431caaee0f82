"""What plans grant: once for each account, tier and period, whoever asks for it, however often and at once.

The journal's key makes it happen once. The wallet's lock keeps grants of two tiers from overlooking each other: a
period's grants together give what the best plan of it does. `next_grant_at` only says who is due.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from credits import periods
from credits.ledger import book
from credits.ledger.moves import Post, Posted
from credits.models import Account, Entry, Journal, Plan
from credits.services.grants import GRANTS
from opscenter.core import audit
from opscenter.core.tiers import Tier

log = logging.getLogger(__name__)

_BATCH = 100
_RETRY = timedelta(hours=1)


def give_due(*, now: datetime | None = None) -> int:
    """Grant to every wallet whose plan owes it something; returns how many grants were made.

    Batches of some wallets, each a transaction: calls wait for none of it. Several may run at once.
    """
    made = 0
    while True:
        with transaction.atomic():
            accounts = _locked(now or timezone.now())
            made += give(accounts, now=now or timezone.now())
        if not accounts:
            return made


def _locked(now: datetime) -> list[Account]:
    due = Account.objects.filter(next_grant_at__lte=now).order_by("next_grant_at")
    ids = list(due.values_list("pk", flat=True)[:_BATCH])
    locked = Account.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related("plan")
    return list(locked.filter(pk__in=ids, next_grant_at__lte=now).order_by("pk"))


def give(accounts: Sequence[Account], *, now: datetime) -> int:
    """The same for these, which the caller's transaction has locked and which have plans."""
    given = _given(accounts, now)
    moves = [
        move for account in accounts if account.plan and (move := _move(account, account.plan, given, now)) is not None
    ]
    outcomes = dict(zip((move.account_id for move in moves), book.apply(moves), strict=True))
    next_at: dict[datetime | None, list[int]] = defaultdict(list)
    for account in accounts:
        outcome = outcomes.get(account.pk)
        is_settled = outcome is None or isinstance(outcome, Posted)
        if not is_settled:
            log.error("%s was not granted what its plan gives: %s", account, outcome)
        next_at[_next(account.plan, now) if is_settled else now + _RETRY].append(account.pk)
    for moment, ids in next_at.items():
        Account.objects.filter(pk__in=ids).update(next_grant_at=moment)
    return sum(isinstance(outcome, Posted) and outcome.made for outcome in outcomes.values())


def _given(accounts: Iterable[Account], now: datetime) -> dict[str, int]:
    """What each grant of the accounts' current periods gave, by its journal's key; one query."""
    keys = [_key(account, tier, account.plan, now) for account in accounts if account.plan for tier in Tier.values]
    sides = Entry.objects.filter(journal__idempotency_key__in=keys, account__code=GRANTS)
    sums = sides.order_by().values_list("journal__idempotency_key").annotate(Sum("amount"))
    return {key: -int(total) for key, total in sums}


def _move(account: Account, plan: Plan, given: dict[str, int], now: datetime) -> Post | None:
    """None where the period has had its grant of this tier, or others gave as much."""
    key = _key(account, plan.tier, plan, now)
    so_far = sum(given.get(_key(account, tier, plan, now), 0) for tier in Tier.values)
    if key in given or plan.credits_nano <= so_far:
        return None
    return Post(
        account_id=account.pk,
        against=GRANTS,
        amount=plan.credits_nano - so_far,
        kind=Journal.Kind.GRANT.value,
        key=key,
        reason=f"Plan {plan.name}, {_period(plan, now)}",
        actor=audit.current_actor().name,
        expires_at=periods.month_after(now, plan.lasts_months) if plan.lasts_months else None,
    )


def _key(account: Account, tier: str, plan: Plan, now: datetime) -> str:
    return f"grant:{account.pk}:{tier}:{_period(plan, now)}"


def _period(plan: Plan, now: datetime) -> str:
    return periods.window(periods.MONTH, now) if plan.period == Plan.Period.MONTH else plan.period


def _next(plan: Plan | None, now: datetime) -> datetime | None:
    return periods.month_after(now) if plan and plan.period == Plan.Period.MONTH else None
