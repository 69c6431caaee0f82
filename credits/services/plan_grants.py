"""What plans grant: once for each account, tier and period, whoever asks for it, however often, late and at once.

The journal's key makes it happen once. The wallet's lock keeps grants of two tiers from overlooking each other: a
period's grants together give what the best plan of it does. `next_grant_at` is in the first period that is still to be
granted, so that months in which nothing ran are made up for.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Owed:
    """A period of which a plan owes an account its grant; `moment` is in it."""

    account_id: int
    plan: Plan
    moment: datetime

    @property
    def period(self) -> str:
        return periods.window(periods.MONTH, self.moment) if _is_monthly(self.plan) else self.plan.period

    @property
    def expires_at(self) -> datetime | None:
        return periods.month_after(self.moment, self.plan.lasts_months) if self.plan.lasts_months else None

    def key(self, tier: str) -> str:
        return f"grant:{self.account_id}:{tier}:{self.period}"


def give_due(*, now: datetime | None = None) -> int:
    """Grant to every wallet whose plan owes it something; returns how many grants were made.

    Batches of some wallets, each a transaction: calls wait for none of it. Several may run at once.
    """
    made, failed = 0, set[int]()
    while True:
        moment = now or timezone.now()
        with transaction.atomic():
            accounts = _locked(moment, failed)
            made += give(accounts, now=moment)
        failed.update(account.pk for account in accounts if account.next_grant_at and account.next_grant_at <= moment)
        if not accounts:
            return made


def _locked(now: datetime, but: Collection[int]) -> list[Account]:
    due = Account.objects.filter(next_grant_at__lte=now).exclude(pk__in=but).order_by("next_grant_at")
    ids = list(due.values_list("pk", flat=True)[:_BATCH])
    locked = Account.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related("plan")
    return list(locked.filter(pk__in=ids, next_grant_at__lte=now).order_by("pk"))


def give(accounts: Sequence[Account], *, now: datetime) -> int:
    """The same for these, which the caller's transaction has locked. One that can't be granted to stays due."""
    made, failed = _grant([owed for account in accounts for owed in _owed(account, now)], now)
    next_at: dict[datetime | None, list[int]] = defaultdict(list)
    for account in accounts:
        if account.pk not in failed:
            account.next_grant_at = periods.month_after(now) if account.plan and _is_monthly(account.plan) else None
            next_at[account.next_grant_at].append(account.pk)
    for moment, ids in next_at.items():
        Account.objects.filter(pk__in=ids).update(next_grant_at=moment)
    return made


def give_arrears(account: Account, *, now: datetime) -> None:
    """What months before that of `now` still owe this account, which the caller has locked and whose plan ends."""
    this_month = periods.month_after(now, 0)
    _grant([owed for owed in _owed(account, now) if owed.moment < this_month], now)


def _owed(account: Account, now: datetime) -> list[Owed]:
    """Each month from `next_grant_at` on, the newest last."""
    if account.plan is None or account.next_grant_at is None:
        return []
    moments = [now]
    if _is_monthly(account.plan):
        this_month, month = periods.month_after(now, 0), periods.month_after(account.next_grant_at, 0)
        moments = []
        while month <= this_month:
            moments.append(month)
            month = periods.month_after(month)
    return [Owed(account.pk, account.plan, moment) for moment in moments]


def _grant(owed: Sequence[Owed], now: datetime) -> tuple[int, set[int]]:
    """How many grants were made, and the accounts that were refused one."""
    given = _given(owed)
    moves = [move for each in owed if (move := _move(each, given, now)) is not None]
    made, failed = 0, set[int]()
    for move, outcome in zip(moves, book.apply(moves), strict=True):
        if isinstance(outcome, Posted):
            made += outcome.made
        else:
            log.error("%s was not granted: %s", move.key, outcome)
            failed.add(move.account_id)
    return made, failed


def _given(owed: Iterable[Owed]) -> dict[str, int]:
    """What each grant of these periods gave, by its journal's key; one query."""
    keys = [each.key(tier) for each in owed for tier in Tier.values]
    sides = Entry.objects.filter(journal__idempotency_key__in=keys, account__code=GRANTS)
    sums = sides.order_by().values_list("journal__idempotency_key").annotate(Sum("amount"))
    return {key: -int(total) for key, total in sums}


def _move(owed: Owed, given: dict[str, int], now: datetime) -> Post | None:
    """None where the period has had its grant of this tier, others gave as much, or it would have expired by now."""
    plan, key = owed.plan, owed.key(owed.plan.tier)
    so_far = sum(given.get(owed.key(tier), 0) for tier in Tier.values)
    if key in given or plan.credits_nano <= so_far or (owed.expires_at and owed.expires_at <= now):
        return None
    return Post(
        account_id=owed.account_id,
        against=GRANTS,
        amount=plan.credits_nano - so_far,
        kind=Journal.Kind.GRANT.value,
        key=key,
        reason=f"Plan {plan.name}, {owed.period}",
        actor=audit.current_actor().name,
        expires_at=owed.expires_at,
    )


def _is_monthly(plan: Plan) -> bool:
    return plan.period == Plan.Period.MONTH
