"""What the inference path knows of the bearers of keys."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway import callers
from gateway.services import keys
from opscenter.core.models import User
from tests.gateway.people import caller_by, key_of, person, wallet

pytestmark = [pytest.mark.django_db, pytest.mark.once]

_USER = {"llm.read", "llm.execute"}


def _may(codename: str) -> Permission:
    return Permission.objects.get(content_type__app_label="llm", codename=codename)


def _by_token(user: User) -> frozenset[str]:
    return caller_by(keys.issue_access_token(user=user)).permissions


def test_a_caller_is_what_its_key_says() -> None:
    bob = person("bob", "LLM user", tier="starter")
    ends = timezone.now() + timedelta(hours=1)
    key = key_of(
        bob,
        environment="prod",
        component="evals",
        power_level="eco",
        allowed_models=["m1"],
        allowed_purposes=["chat"],
        expires_at=ends,
    )

    known = caller_by(key)

    assert (known.key_id, known.user_id, known.account_id) == (key.row.pk, bob.pk, wallet(bob).pk)
    assert (known.tier, known.power_level, known.environment, known.component) == ("starter", "eco", "prod", "evals")
    assert (known.allowed_models, known.allowed_purposes) == (frozenset({"m1"}), frozenset({"chat"}))
    assert known.expires_at == ends.timestamp()


def test_permissions_come_from_groups_and_from_the_users_own() -> None:
    bob = person("bob")
    assert _by_token(bob) == set()

    bob.user_permissions.add(_may("read"))
    assert _by_token(bob) == {"llm.read"}
    bob.groups.add(Group.objects.get(name="LLM user"))
    assert _by_token(bob) >= _USER
    assert "llm.manage_providers" not in _by_token(bob)


def test_operators_and_superusers_may_all_by_their_token() -> None:
    every = {"llm.read", "llm.execute", "llm.configure", "llm.manage_providers", "llm.manage_models"}
    every.add("llm.manage_own_models")

    assert _by_token(person("operator", "LLM admin")) == every
    assert _by_token(person("root", is_superuser=True)) >= every


def test_a_virtual_key_carries_no_more_than_reading_and_calling() -> None:
    assert caller_by(key_of(person("root", is_superuser=True))).permissions == _USER
    assert caller_by(key_of(person("nobody"))).permissions == set()


def test_dead_keys_are_nobody() -> None:
    bob, gone = person("bob"), person("gone", is_active=False)
    live = key_of(bob)
    keys.revoke(key_of(bob).row)
    key_of(bob, expires_at=timezone.now() - timedelta(seconds=1))
    key_of(gone)

    assert list(callers.load()) == [live.row.secret_hash]


def test_one_key_is_loaded_as_all_are() -> None:
    every = [key_of(person(name, "LLM user")) for name in ("bob", "carol")]
    root = keys.issue_access_token(user=person("root", is_superuser=True))

    loaded = callers.load()

    assert len(loaded) == 3
    for key in [*every, root]:
        assert callers.load([key.row.secret_hash]) == {key.row.secret_hash: loaded[key.row.secret_hash]}


def test_an_unknown_hash_is_nobody() -> None:
    key_of(person("bob"))

    assert callers.load(["0" * 64]) == {}


def test_the_number_of_queries_does_not_grow_with_the_number_of_keys() -> None:
    key_of(person("bob", "LLM user"))
    with CaptureQueriesContext(connection) as few:
        callers.load()
    for n in range(20):
        key_of(person(f"user{n}", "LLM admin", is_superuser=n % 2 == 0))

    with CaptureQueriesContext(connection) as many:
        assert len(callers.load()) == 21

    assert len(many) == len(few) == 5
