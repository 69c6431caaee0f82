"""Who a bearer key stands for, as the inference path knows it: frozen, without a query."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Permission

from credits.amounts import to_nano
from credits.models import Account
from credits.snapshot import load_power_levels
from gateway import bearers, rights
from gateway.bearers import Bearer
from gateway.budgets import ACCOUNT, KEY, PeriodBudget
from gateway.families import Line
from gateway.models import VirtualKey
from gateway.rights import Levels
from opscenter.core.limits import Limits
from opscenter.core.models import User

VIRTUAL_KEY_PERMISSIONS = frozenset({"llm.read", "llm.execute"})


@dataclass(frozen=True, slots=True)
class Caller:
    """One key. None in allowed_* means no restriction; expires_at is Unix time in seconds.

    `budgets` are the key's, those of the keys that it was made under and that of the account which pays, of those that
    there are. `limits` are the key's own, `limits_above` those of the keys that it was made under, by their ids;
    `user_limits` are its user's own, which go before those of the tier.
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
    limits_above: tuple[tuple[int, Limits], ...] = ()

    is_authenticated = True

    def has_perm(self, permission: str) -> bool:
        return permission in self.permissions

    def may_use(self, model: str) -> bool:
        return self.allowed_models is None or model in self.allowed_models


def load(secret_hashes: Collection[str] | None = None) -> dict[str, Caller]:
    """Every live key's caller by the key's hash, or those of some hashes; a handful of queries, however many."""
    found = bearers.load() if secret_hashes is None else bearers.find(secret_hashes)
    if not found:
        return {}
    granted = _permissions({bearer.key.user for bearer in found.values()}, narrow=secret_hashes is not None)
    has_families = any(len(bearer.line) > 1 for bearer in found.values())
    levels = load_power_levels() if has_families else {}
    return {hash: _caller(bearer, granted[bearer.key.user_id], levels) for hash, bearer in found.items()}


def _caller(bearer: Bearer, granted: frozenset[str], levels: Levels) -> Caller:
    row, may, ends_at = bearer.key, rights.of_line(bearer.line, levels), bearer.expires_at
    return Caller(
        key_id=row.pk,
        user_id=row.user_id,
        account_id=row.account_id,
        tier=row.account.tier,
        power_level=may.power_level,
        environment=may.environment,
        component=row.component or next((key.component for key in bearer.line if key.component), ""),
        permissions=granted & VIRTUAL_KEY_PERMISSIONS if row.kind == VirtualKey.Kind.VIRTUAL else granted,
        allowed_models=may.allowed_models,
        allowed_purposes=may.allowed_purposes,
        budgets=_budgets(bearer.line),
        expires_at=ends_at.timestamp() if ends_at else None,
        limits=row.limits,
        user_limits=row.user.limits,
        limits_above=tuple((key.pk, key.limits) for key in bearer.line[1:] if key.limits),
    )


def _budgets(line: Line) -> tuple[PeriodBudget, ...]:
    budgets = [_budget(KEY, key) for key in line if key.budget_credits is not None]
    account = line[0].account
    if account.budget_credits is not None:
        budgets.append(_budget(ACCOUNT, account))
    return tuple(budgets)


def _budget(scope: str, spender: VirtualKey | Account) -> PeriodBudget:
    assert spender.budget_credits is not None
    return PeriodBudget(scope, spender.pk, to_nano(spender.budget_credits), spender.budget_period)


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
