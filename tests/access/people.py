"""Everybody who may come, and what they bring: a key, a token, a browser that has signed in, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex, token_urlsafe

from django.test import Client
from django.utils import timezone

from gateway.services import keys
from opscenter.core.models import User
from tests.gateway.people import key_of, person


@dataclass(frozen=True, slots=True)
class Visitor:
    """`key` is sent as a bearer; `client` has the cookies of a session where there is one."""

    key: str | None = None
    client: Client = field(default_factory=Client)


def _bearing(key: str) -> Visitor:
    return Visitor(key, Client(headers={"Authorization": f"Bearer {key}"}))


def signed_in(user: User) -> Visitor:
    visitor = Visitor()
    visitor.client.force_login(user)
    return visitor


def _somebody(*groups: str, is_staff: bool = False) -> User:
    return person(f"carol-{token_hex(4)}", *groups, is_staff=is_staff)


def _root() -> User:
    return User.objects.create_superuser(f"root-{token_hex(4)}")


def _token(user: User) -> Visitor:
    return _bearing(keys.issue_access_token(user=user).plaintext)


def _revoked() -> Visitor:
    key = key_of(_somebody("LLM user"))
    keys.revoke(key.row)
    return _bearing(key.plaintext)


def _expired() -> Visitor:
    return _bearing(key_of(_root(), expires_at=timezone.now() - timedelta(seconds=1)).plaintext)


def _keys_of_the_deactivated() -> Visitor:
    user = _root()
    token = _token(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return token


def _session_of_the_deactivated() -> Visitor:
    visitor = signed_in(user := _root())
    User.objects.filter(pk=user.pk).update(is_active=False)
    return visitor


NOBODY, LEFT = "nobody", "the session of a superuser who was deactivated"
USERS_KEY, ROOTS_KEY = "a virtual key of an LLM user", "a virtual key of a superuser"
BARE_KEY, BARE_TOKEN = "a virtual key of who is in no group", "an access token of who is in no group"
USERS_TOKEN, ADMINS_TOKEN = "an access token of an LLM user", "an access token of an LLM admin"
USER, BARE_STAFF, STAFF_USER = "a signed-in LLM user", "staff of no group", "staff who are LLM users"
STAFF_ADMIN, ROOT = "staff who are LLM admins", "a superuser"

STRANGERS: dict[str, Callable[[], Visitor]] = {
    NOBODY: Visitor,
    "a forged key": lambda: _bearing(f"sk-ops-{token_urlsafe(40)}"),
    "a forged token": lambda: _bearing(f"ops-at-{token_urlsafe(40)}"),
    "a revoked key": _revoked,
    "an expired key of a superuser": _expired,
    "a token of a superuser who was deactivated": _keys_of_the_deactivated,
    LEFT: _session_of_the_deactivated,
}
KEYS: dict[str, Callable[[], Visitor]] = {
    BARE_KEY: lambda: _bearing(key_of(_somebody()).plaintext),
    BARE_TOKEN: lambda: _token(_somebody()),
    USERS_KEY: lambda: _bearing(key_of(_somebody("LLM user")).plaintext),
    ROOTS_KEY: lambda: _bearing(key_of(_root()).plaintext),
    USERS_TOKEN: lambda: _token(_somebody("LLM user")),
    ADMINS_TOKEN: lambda: _token(_somebody("LLM admin")),
}
SESSIONS: dict[str, Callable[[], Visitor]] = {
    USER: lambda: signed_in(_somebody("LLM user")),
    BARE_STAFF: lambda: signed_in(_somebody(is_staff=True)),
    STAFF_USER: lambda: signed_in(_somebody("LLM user", is_staff=True)),
    STAFF_ADMIN: lambda: signed_in(_somebody("LLM admin", is_staff=True)),
    ROOT: lambda: signed_in(_root()),
}
EVERYBODY = STRANGERS | KEYS | SESSIONS
