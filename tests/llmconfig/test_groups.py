"""The groups that every installation starts with."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from llmconfig.groups import seed_groups

pytestmark = pytest.mark.django_db

USERS = {"read", "execute", "manage_own_models"}


def _permissions(name: str) -> set[str]:
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def test_both_groups_are_there_after_migrating() -> None:
    assert _permissions("LLM admin") == USERS | {"configure", "manage_providers", "manage_models"}
    assert _permissions("LLM user") == USERS


def test_what_an_operator_took_away_stays_away() -> None:
    group = Group.objects.get(name="LLM user")
    group.permissions.clear()

    seed_groups(apps.get_app_config("llm"))

    assert _permissions("LLM user") == set()


def test_a_missing_group_comes_back() -> None:
    Group.objects.filter(name="LLM user").delete()

    seed_groups(apps.get_app_config("llm"))

    assert _permissions("LLM user") == USERS
