"""What people may do changes by their groups and permissions: the audit log names what was given and taken."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from opscenter.core.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def told() -> tuple[str, Any]:
    entry = AuditEntry.objects.latest("id")
    return entry.entity_type, entry.changes["after"]


def test_whichever_end_it_is_changed_from() -> None:
    alice, group = User.objects.create_user("alice"), Group.objects.create(name="Night shift")

    alice.groups.add(group)
    assert told() == ("users", {"groups_added": ["Night shift"]})
    alice.groups.remove(group)
    assert told() == ("users", {"groups_removed": ["Night shift"]})
    group.user_set.add(alice)
    assert told() == ("groups", {"members_added": ["alice"]})


def test_what_is_taken_all_at_once_is_named_too() -> None:
    alice, group = User.objects.create_user("alice"), Group.objects.create(name="Night shift")
    Group.objects.create(name="Day shift")
    may = Permission.objects.get(codename="manage_providers")
    alice.groups.add(group)
    group.permissions.add(may)

    alice.groups.clear()
    assert told() == ("users", {"groups_cleared": ["Night shift"]})
    group.permissions.clear()
    assert told() == ("groups", {"permissions_cleared": [str(may)]})
    group.user_set.add(alice)
    group.user_set.clear()
    assert told() == ("groups", {"members_cleared": ["alice"]})
