"""Who has which plan. It decides the tier, and what it grants is given with it."""

from datetime import datetime

from django.utils import timezone

from credits.errors import PlanUnavailable
from credits.models import Account, Plan
from credits.services import plan_grants, wallets
from opscenter.core import audit, changes
from opscenter.core.errors import Conflict
from opscenter.core.models import User

_FIXED = ("tier", "period")


def named(slug: str) -> Plan:
    """Raises PlanUnavailable."""
    plan = Plan.objects.filter(slug=slug).first()
    if plan is None:
        raise PlanUnavailable("There is no such plan.", param="plan")
    return plan


def set_plan(*, account: Account, plan: Plan | None, now: datetime | None = None) -> None:
    """Give `account` this plan, its tier, and what the current period's grants have not given of it yet.

    None takes the plan away: tier and credits stay. What earlier months still owe by the plan before is given first.
    Audited and announced. Raises PlanUnavailable. Locks the audit log, then the wallet.
    """
    if plan is not None and not plan.active:
        raise PlanUnavailable(f"The plan {plan} is given to nobody any more.", param="plan")
    with audit.writing():
        stored = Account.objects.select_for_update(no_key=True, of=("self",)).wallets().get(pk=account.pk)
        if stored.plan_id != (plan.pk if plan else None):
            before = _told(stored)
            _put(stored, plan, now or timezone.now())
            audit.record(
                action="set_plan",
                entity_type=Account._meta.db_table,
                entity_id=stored.pk,
                before=before,
                after=_told(stored),
            )
            changes.bump()
    account.refresh_from_db()


def open_for(user: User) -> None:
    """Hook of core.users, inside the transaction that first saves a user: a wallet, with the plan of new ones."""
    wallet = wallets.open_wallet(user=user)
    plan = Plan.objects.filter(for_new_wallets=True, active=True).first()
    if plan is not None:
        _put(wallet, plan, timezone.now())


def revise(plan: Plan) -> None:
    """Save a plan that was changed; what it gives now is given from the next period on.

    Raises Conflict where accounts have it and its tier or period changed: they would have neither been granted nor
    announced.
    """
    with audit.writing():
        stored = Plan.objects.select_for_update().filter(pk=plan.pk).first()
        changed = [name for name in _FIXED if stored and getattr(stored, name) != getattr(plan, name)]
        if changed and plan.accounts.exists():
            raise Conflict(
                "Accounts have this plan: its tier and period stay. Make another plan, and give them that.",
                code="plan_in_use",
                param=changed[0],
            )
        if plan.for_new_wallets:
            _no_other_for_new_wallets(plan)
        changes.save(plan, announce=False)


def _no_other_for_new_wallets(plan: Plan) -> None:
    for other in Plan.objects.filter(for_new_wallets=True).exclude(pk=plan.pk):
        other.for_new_wallets = False
        changes.save(other, announce=False)


def _put(account: Account, plan: Plan | None, now: datetime) -> None:
    plan_grants.give_arrears(account, now=now)
    account.plan = plan
    account.next_grant_at = now if plan else None
    if plan:
        account.tier = plan.tier
    # Never a whole save(): the book alone writes the amounts.
    account.save(update_fields=["plan", "tier", "next_grant_at"])
    if plan:
        plan_grants.give([account], now=now)


def _told(account: Account) -> dict[str, str | None]:
    return {"plan": account.plan.slug if account.plan else None, "tier": account.tier}
