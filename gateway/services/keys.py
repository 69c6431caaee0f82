"""Issuing, rotating and revoking keys; the plaintext exists only in the answer to whoever asked for it."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone

from credits.models import Account
from credits.services.wallets import wallet_of
from gateway import families
from gateway.models import FormerSecret, VirtualKey
from gateway.models.virtual_key import PREFIXES
from gateway.services import bounds
from opscenter.core import audit, changes
from opscenter.core.limits import NO_LIMITS, Limits
from opscenter.core.models import User


@dataclass(frozen=True, slots=True)
class IssuedKey:
    row: VirtualKey
    plaintext: str


def hash_key(plaintext: str) -> str:
    """The SHA-256 under which a key is stored and cached: of the whole key, which is random and so needs no salt."""
    return hashlib.sha256(plaintext.encode()).hexdigest()


def new_secret(kind: str, public_id: str) -> str:
    """The plaintext of a key: what may be shown of it, and 256 random bits."""
    return f"{PREFIXES[kind]}{public_id}_{secrets.token_urlsafe(32)}"


@audit.writing()
def issue(  # noqa: PLR0913 - a key has as many settings
    *,
    user: User,
    name: str,
    kind: str = VirtualKey.Kind.VIRTUAL,
    account: Account | None = None,
    parent: VirtualKey | None = None,
    environment: str = VirtualKey.Environment.DEV,
    component: str = "",
    power_level: str = "precision",
    allowed_models: Sequence[str] | None = None,
    allowed_purposes: Sequence[str] | None = None,
    budget_credits: Decimal | None = None,
    budget_period: str = VirtualKey.BudgetPeriod.MONTH,
    limits: Limits = NO_LIMITS,
    expires_at: datetime | None = None,
    self_issued: bool = False,
) -> IssuedKey:
    """Make a key for `user`, paid by `account` (their own wallet unless given).

    Under a `parent`, which is of the same user and account, it has to stay within that. Raises KeyEnded, BeyondBounds.
    """
    public_id = secrets.token_hex(5)
    plaintext = new_secret(kind, public_id)
    row = VirtualKey(
        kind=kind,
        public_id=public_id,
        secret_hash=hash_key(plaintext),
        user=user,
        account=account or wallet_of(user),
        name=name,
        environment=environment,
        component=component,
        power_level=power_level,
        allowed_models=list(allowed_models) if allowed_models else None,
        allowed_purposes=list(allowed_purposes) if allowed_purposes else None,
        budget_credits=budget_credits,
        budget_period=budget_period,
        rpm=limits.rpm,
        tpm=limits.tpm,
        concurrency=limits.concurrency,
        expires_at=expires_at,
        self_issued=self_issued,
        parent=parent,
    )
    bounds.require_within_parent(row)
    changes.save(row, announce=False)  # the first call that presents it looks it up
    return IssuedKey(row, plaintext)


def issue_access_token(*, user: User) -> IssuedKey:
    """The token of a sign-in, good for ACCESS_TOKEN_S seconds."""
    return issue(
        user=user,
        name="Signed in",
        kind=VirtualKey.Kind.ACCESS,
        expires_at=timezone.now() + timedelta(seconds=settings.ACCESS_TOKEN_S),
    )


def revoke(key: VirtualKey) -> int:
    """No worker accepts `key`, nor what was made under it, a second after this commits; calls in flight end as they
    are. Returns how many keys that were.
    """
    count = revoke_all([key.pk])
    key.refresh_from_db(fields=["revoked_at", "version", "updated_at"])
    return count


def revoke_all(ids: Iterable[int]) -> int:
    """The same for many, all or none. Those that are revoked already stay as they are, and don't count."""
    with audit.writing():
        revoked_at = timezone.now()
        unrevoked = [key for key in families.with_descendants(ids) if key.revoked_at is None]
        for key in unrevoked:
            key.revoked_at = revoked_at
            changes.save(key, action="revoke")
    return len(unrevoked)


def mark_reauthenticated(token: VirtualKey) -> None:
    """Whoever holds this access token has just entered its user's password."""
    VirtualKey.objects.filter(pk=token.pk).update(reauthenticated_at=timezone.now())


def sign_out(user: User) -> None:
    """Revoke the access tokens of `user`; virtual keys, which are no sign-ins, stay."""
    for token in VirtualKey.objects.live().filter(user=user, kind=VirtualKey.Kind.ACCESS):
        revoke(token)


def prune_access_tokens(*, kept_s: int) -> int:
    """Delete access tokens that ran out over `kept_s` ago; returns how many. The audit log keeps their making."""
    ran_out = timezone.now() - timedelta(seconds=kept_s)
    deleted, _ = VirtualKey.objects.filter(kind=VirtualKey.Kind.ACCESS, expires_at__lt=ran_out).delete()
    return deleted


def prune_former_secrets() -> int:
    """Forget the secrets whose grace period is over; returns how many. They stopped working by themselves."""
    deleted, _ = FormerSecret.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted


def let_execute(user: User) -> None:
    """Put `user` into the group *LLM user* unless they may call models already."""
    if not user.has_perm("llm.execute"):
        user.groups.add(Group.objects.get(name="LLM user"))
