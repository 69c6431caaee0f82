"""A consumer in one step: user, group, tier, credits and a key."""

from decimal import Decimal

from credits.services import grants, wallets
from gateway.models import VirtualKey
from gateway.services import keys
from gateway.services.keys import IssuedKey
from opscenter.core import audit
from opscenter.core.errors import Conflict
from opscenter.core.limits import NO_LIMITS, Limits
from opscenter.core.models import User


@audit.writing()
def issue_to(
    *,
    username: str,
    tier: str | None = None,
    amount_nano: int = 0,
    name: str = "",
    environment: str = VirtualKey.Environment.DEV,
    power_level: str = "precision",
    budget_credits: Decimal | None = None,
    budget_period: str = VirtualKey.BudgetPeriod.MONTH,
    limits: Limits = NO_LIMITS,
) -> IssuedKey:
    """A key for `username`, who is made if missing, without a password. The tier is kept unless given.

    Raises Conflict for a deactivated user, whose keys nobody would accept.
    """
    user, made = User.objects.get_or_create(username=username)
    if not user.is_active:
        raise Conflict(f"{username} is deactivated.", code="user_deactivated")
    if made:
        user.set_unusable_password()
        user.save()
    keys.let_execute(user)
    account = wallets.wallet_of(user)
    if tier:
        wallets.set_tier(account=account, tier=tier)
    if amount_nano:
        grants.adjust(account=account, amount_nano=amount_nano, reason="Given with a new virtual key")
    return keys.issue(
        user=user,
        account=account,
        name=name,
        environment=environment,
        power_level=power_level,
        budget_credits=budget_credits,
        budget_period=budget_period,
        limits=limits,
    )
