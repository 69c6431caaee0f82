"""Wallets come with their users; their tier and status are changed here."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from credits.errors import WalletMissing
from credits.models import Account
from credits.services import plan_grants
from opscenter.core import audit, changes
from opscenter.core.models import User


def open_wallet(*, user: User) -> Account:
    """The user's wallet, made where there is none yet, with an account of the user's debt."""
    with transaction.atomic():
        wallet, is_new = Account.objects.get_or_create(code=f"wallet:{user.pk}", defaults={"user": user})
        if is_new:
            Account.objects.create(kind=Account.Kind.SYSTEM, code=f"debt:{user.pk}")
    return wallet


def wallet_of(user: User, rows: QuerySet[Account] | None = None) -> Account:
    """Of `rows`, or of all wallets. Raises WalletMissing."""
    wallets = Account.objects.wallets() if rows is None else rows
    wallet = wallets.filter(code=f"wallet:{user.pk}").first()
    if wallet is None:
        raise WalletMissing(f"{user} has no wallet.")
    return wallet


def set_tier(*, account: Account, tier: str, now: datetime | None = None) -> None:
    """Tell every worker and the audit log. A tier other than its plan's ends the plan, which decides the tier, once it
    has given what earlier months still owe.
    """
    with audit.writing():
        stored = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("plan").get(pk=account.pk)
        ended = {"plan": None, "next_grant_at": None} if stored.plan and stored.plan.tier != tier else {}
        if ended:
            plan_grants.give_arrears(stored, now=now or timezone.now())
        _change(account, action="set_tier", tier=tier, **ended)


def set_budget(*, account: Account, budget_credits: Decimal | None, budget_period: str) -> None:
    """What calls that the account pays for may use up per period; None: all that it has. In force within a second."""
    _change(account, action="set_budget", budget_credits=budget_credits, budget_period=budget_period)


def set_low_balance(*, account: Account, low_balance_credits: Decimal | None) -> None:
    """Below which its balance is low; None: as the alert rules say."""
    _change(account, action="set_low_balance", low_balance_credits=low_balance_credits)


def freeze(*, account: Account) -> None:
    """Refuse new holds; those that are open still end."""
    _change(account, action="freeze", status=Account.Status.FROZEN.value)


def unfreeze(*, account: Account) -> None:
    _change(account, action="unfreeze", status=Account.Status.ACTIVE.value)


def _change(account: Account, *, action: str, **values: Any) -> None:
    with audit.writing():
        stored = Account.objects.select_for_update(no_key=True).wallets().get(pk=account.pk)
        before = changes.describe(stored)
        for name, value in values.items():
            setattr(stored, name, value)
        stored.clean_fields()
        old, new = changes.difference(before, changes.describe(stored))
        if not new:
            return
        # Never a whole save(): the balance read here is old by the time it would be written.
        stored.save(update_fields=list(values))
        audit.record(action=action, entity_type=Account._meta.db_table, entity_id=account.pk, before=old, after=new)
        changes.bump()
    account.refresh_from_db()
