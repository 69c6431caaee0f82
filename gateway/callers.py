"""Who a bearer key stands for, as the inference path knows it: frozen, without a query."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Permission

from credits.amounts import to_nano
from credits.models import Account
from gateway.budgets import ACCOUNT, KEY, PeriodBudget
from gateway.models import VirtualKey
from opscenter.core.limits import Limits
from opscenter.core.models import User

VIRTUAL_KEY_PERMISSIONS = frozenset({"llm.read", "llm.execute"})


@dataclass(frozen=True, slots=True)
class Caller:
    """One key. None in allowed_* means no restriction; expires_at is Unix time in seconds.

    `budgets` are the key's and that of the account which pays, of those that there are. `limits` are the key's,
    `user_limits` its user's own, which go before those of the tier.
    """

    key_id: int
    user_id: int
    account_id: int
    tier: str
    power_level: str
    environment: str
    component: str
    permissions: frozenset[str]
    allowed_models: frozenset[str] | None
    allowed_purposes: frozenset[str] | None
    budgets: tuple[PeriodBudget, ...]
    expires_at: float | None
    limits: Limits
    user_limits: Limits

    is_authenticated = True

    def has_perm(self, permission: str) -> bool:
        return permission in self.permissions

    def may_use(self, model: str) -> bool:
        return self.allowed_models is None or model in self.allowed_models


def load(secret_hashes: Collection[str] | None = None) -> dict[str, Caller]:
    """Every live key's caller by the key's hash, or those of some hashes; at most four queries, however many."""
    keys = VirtualKey.objects.live().select_related("user", "account")
    if secret_hashes is not None:
        keys = keys.filter(secret_hash__in=secret_hashes)
    rows = list(keys)
    if not rows:
        return {}
    granted = _permissions({row.user for row in rows}, narrow=secret_hashes is not None)
    return {row.secret_hash: _caller(row, granted[row.user_id]) for row in rows}


def _caller(row: VirtualKey, granted: frozenset[str]) -> Caller:
    return Caller(
        key_id=row.pk,
        user_id=row.user_id,
        account_id=row.account_id,
        tier=row.account.tier,
        power_level=row.power_level,
        environment=row.environment,
        component=row.component,
        permissions=granted if row.kind == VirtualKey.Kind.ACCESS else granted & VIRTUAL_KEY_PERMISSIONS,
        allowed_models=_as_set(row.allowed_models),
        allowed_purposes=_as_set(row.allowed_purposes),
        budgets=_budgets(row),
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
        limits=row.limits,
        user_limits=row.user.limits,
    )


def _budgets(row: VirtualKey) -> tuple[PeriodBudget, ...]:
    spenders: tuple[tuple[str, VirtualKey | Account], ...] = ((KEY, row), (ACCOUNT, row.account))
    return tuple(
        PeriodBudget(scope, spender.pk, to_nano(spender.budget_credits), spender.budget_period)
        for scope, spender in spenders
        if spender.budget_credits is not None
    )


def _as_set(names: list[str] | None) -> frozenset[str] | None:
    return frozenset(names) if names else None


def _permissions(users: Iterable[User], *, narrow: bool) -> dict[int, frozenset[str]]:
    """The llm.* permissions of each user, from groups and their own, in three queries.

    Unless `narrow`, everybody's are read: tens of thousands of users are more than a query takes by name.
    """
    rows = Permission.objects.filter(content_type__app_label="llm")
    every = frozenset(f"llm.{codename}" for codename in rows.values_list("codename", flat=True))
    granted: dict[int, set[str]] = {user.pk: set(every) if user.is_superuser else set() for user in users}
    for path in ("user", "group__user"):
        wanted = {f"{path}__in": list(granted)} if narrow else {f"{path}__is_active": True}
        for user_id, codename in rows.filter(**wanted).values_list(path, "codename"):
            if user_id in granted:
                granted[user_id].add(f"llm.{codename}")
    return {user_id: frozenset(permissions) for user_id, permissions in granted.items()}
