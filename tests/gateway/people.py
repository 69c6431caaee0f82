"""People with keys, and what the gateway knows of them; all of it made as an installation makes it."""

from typing import Any

from django.contrib.auth.models import Group

from credits.models import Account
from credits.services import grants, wallets
from credits.snapshot import load as load_rates
from gateway import callers
from gateway.callers import Caller
from gateway.services import keys
from gateway.services.keys import IssuedKey
from gateway.snapshot import Snapshot
from llmconfig.snapshot import load as load_catalog
from opscenter.core.models import User


def person(name: str, *groups: str, tier: str = "free", credits_nano: int = 0, **fields: Any) -> User:
    """A user with a wallet of that tier and those groups."""
    user = User.objects.create_user(name, **fields)
    user.groups.set(Group.objects.filter(name__in=groups))
    wallet = wallets.wallet_of(user)
    wallets.set_tier(account=wallet, tier=tier)
    if credits_nano:
        grants.adjust(account=wallet, amount_nano=credits_nano, reason="for the test")
    return user


def wallet(user: User) -> Account:
    return wallets.wallet_of(user)


def key_of(user: User, **options: Any) -> IssuedKey:
    return keys.issue(user=user, name="of a test", **options)


def caller_by(key: IssuedKey) -> Caller:
    """Whom the gateway takes the key's bearer for."""
    return callers.load([key.row.secret_hash])[key.row.secret_hash]


def caller(name: str = "bob", *, tier: str = "free", **options: Any) -> Caller:
    """Somebody of group LLM user, by a new key with these options."""
    return caller_by(key_of(person(name, "LLM user", tier=tier), **options))


def snapshot() -> Snapshot:
    """What a web process would go by now, read inside the test's own transaction."""
    return Snapshot(version=0, catalog=load_catalog(), rates=load_rates(), callers=callers.load())
